// Live measurements: the frame with its phases, where the front is and will be, what was decided.

import { $, alarm, ask, button, drawn, element, label, short } from "./common.js";

const LIST_MS = 3000, WATCH_MS = 700;
const WIDE = 620, HIGH = 320, LEFT = 62, RIGHT = 14, TOP = 14, BOTTOM = 42;

let listing = null, watching = null, watched = null, shown = -1;

export async function showSessions() {
  clearTimeout(listing);
  const sessions = await (await ask("/sessions")).json();
  if (sessions.length) $("session-list").replaceChildren(...sessions.map(row));
  else $("session-list").replaceChildren(element("tr", element("td", "No live measurement yet.", { colspan: 4, class: "soft" })));
  const open = sessions.find((session) => session.state === "open" && session.frames);
  if (watched === null && open) watch(open.id);
  listing = setTimeout(() => showSessions().catch(alarm), LIST_MS);
}

function row(session) {
  const actions = element("td");
  if (session.frames) actions.append(button("Watch", async () => watch(session.id)), " ");
  for (const name of session.files.filter((name) => name.endsWith(".json") || name.endsWith(".csv")))
    actions.append(button(name, () => save(session, name)), " ");
  if (session.state === "open") actions.append(button("Close", () => ending(session, "POST", "/close")));
  if (session.state === "closed") actions.append(button("Forget", () => ending(session, "DELETE", "")));
  const state = session.why ? `${session.state}: ${session.why}` : session.state;
  return element("tr", [element("td", session.name), element("td", state), element("td", `${session.frames}`), actions]);
}

async function ending(session, method, path) {
  if (method === "DELETE" && watched === session.id) watch(null);
  await ask(`/sessions/${session.id}${path}`, { method });
  await showSessions();
}

async function save(session, name) {
  const blob = await (await ask(`/sessions/${session.id}/files/${name}`)).blob();
  element("a", "", { href: URL.createObjectURL(blob), download: name }).click();
}

function watch(id) {
  [watched, shown] = [id, -1];
  $("live").hidden = id === null;
  clearTimeout(watching);
  if (id !== null) look().catch(alarm);
}

async function look() {
  const id = watched;
  const session = await (await ask(`/sessions/${id}`)).json();
  if (session.last && session.frames !== shown) {
    const fronts = await (await ask(`/sessions/${id}/look`)).json();
    if (watched !== id) return;
    shown = session.frames;
    tell(session);
    $("course").replaceChildren(course(fronts, session.last.state, session.tints));
    await showPicture(id);
  }
  if (session.state !== "closed" && watched === id) watching = setTimeout(() => look().catch(alarm), WATCH_MS);
}

async function showPicture(id) {
  const answer = await ask(`/sessions/${id}/picture`);
  $("picture").hidden = answer.status === 204;
  if (answer.status === 204) return;
  URL.revokeObjectURL($("picture").src);
  $("picture").src = URL.createObjectURL(await answer.blob());
}

function tell(session) {
  const { state } = session.last, unit = session.settings.pixel_size_nm === null ? "px" : "nm";
  $("live-name").textContent = session.name;
  $("live-now").textContent = `Frame ${state.frame} at ${state.time_s.toFixed(2)} s, ` +
    `analyzed in ${(1000 * state.seconds).toFixed(0)} ms${state.waiting ? `, ${state.waiting} held back` : ""}.` +
    (state.dose_e_nm2 === null ? "" : ` Dose ${short(state.dose_e_nm2)} e/nm².`);
  $("live-fronts").replaceChildren(...(state.fronts.length ? state.fronts.map((front) => said(front, session.tints[front.to], unit))
    : [element("li", state.looked_s === null ? "No look at the fronts yet." : `No front at ${state.looked_s.toFixed(2)} s.`, { class: "soft" })]));
  const doubts = [...state.warnings];
  if (state.foreign) doubts.push("This frame is unlike anything that the model was trained on: do not trust the numbers.");
  $("live-doubts").textContent = doubts.join(" ");
  $("live-doubts").hidden = !doubts.length;
  $("decisions").replaceChildren(...session.fired.map((made) => element("li", [
    element("strong", `${made.rule} at ${made.time_s.toFixed(2)} s`), `: ${made.actions.join(", ") || "noted"}` +
    `${made.dry_run ? " (dry run)" : ""}. ${made.because}`])));
  $("decided").hidden = !session.fired.length;
}

function said(front, colour, unit) {
  const position = front[`position_${unit}`], speed = front[`speed_${unit}_s`], ends = front.completion_s;
  const swatch = element("span", "", { class: "swatch" });
  swatch.style.background = colour;
  const parts = [`${front.from} to ${front.to}: ${interval(position)} ${unit} of ${plain(front[`depth_${unit}`])}`];
  if (speed) parts.push(`${interval(speed)} ${unit}/s`);
  if (front.law) parts.push(`${front.law.replaceAll("_", "-")} (${(100 * front.law_probability).toFixed(0)} %)`);
  if (ends) parts.push(`through at ${interval(ends)} s (${(100 * front.completion_probability).toFixed(0)} %)`);
  return element("li", [swatch, parts.join(", ")]);
}

const interval = (value) => `${plain(value.value)} [${plain(value.low)}, ${plain(value.high)}]`;
const plain = (value) => Number(value.toPrecision(3)).toString();

function course(look, state, tints) {
  const unit = look.length_unit, now = state.time_s;
  const svg = drawn("svg", { viewBox: `0 0 ${WIDE} ${HIGH}`, role: "img",
    "aria-label": "Positions of the fronts against time, with fits and forecasts" });
  const times = look.fronts.flatMap((front) => [front.time_s[0], ...front.ahead.map((a) => a.time_s?.high ?? now)]);
  const first = Math.min(now, ...times), span = now - first || 1;
  const last = Math.min(Math.max(now, ...times), now + 2 * span) || now + 1;
  const most = Math.max(1, ...look.fronts.map((front) => front.depth)) * 1.05;
  const x = (time) => LEFT + (WIDE - LEFT - RIGHT) * (time - first) / (last - first || 1);
  const y = (place) => HIGH - BOTTOM - (HIGH - TOP - BOTTOM) * place / most;
  for (const at of ticks(first, last)) {
    svg.append(drawn("line", { x1: x(at), x2: x(at), y1: TOP, y2: HIGH - BOTTOM, stroke: "#dfe5ea" }));
    svg.append(label(x(at), HIGH - BOTTOM + 17, plain(at), "middle"));
  }
  for (const at of ticks(0, most)) {
    svg.append(drawn("line", { x1: LEFT, x2: WIDE - RIGHT, y1: y(at), y2: y(at), stroke: "#dfe5ea" }));
    svg.append(label(LEFT - 6, y(at) + 4, plain(at), "end"));
  }
  for (const front of look.fronts) svg.append(...drawnFront(front, tints[front.after], x, y, last));
  svg.append(drawn("line", { x1: x(now), x2: x(now), y1: TOP, y2: HIGH - BOTTOM, stroke: "#22303c", "stroke-dasharray": "4 3" }));
  for (const front of state.fronts) {
    const position = front[`position_${unit}`], colour = tints[front.to];
    svg.append(drawn("line", { x1: x(now), x2: x(now), y1: y(position.low), y2: y(position.high), stroke: colour, "stroke-width": 3 }));
    svg.append(drawn("circle", { cx: x(now), cy: y(position.value), r: 5, fill: colour }));
  }
  svg.append(label((LEFT + WIDE) / 2, HIGH - 6, "time [s]", "middle"));
  const upright = label(0, 0, `position [${unit}]`, "middle");
  upright.setAttribute("transform", `translate(14 ${HIGH / 2}) rotate(-90)`);
  svg.append(upright);
  return svg;
}

function drawnFront(front, colour, x, y, last) {
  const inside = (time) => Math.min(time, last);
  const ahead = front.ahead.filter((place) => place.time_s !== null);
  const made = [];
  if (ahead.length) {
    const early = ahead.map((a) => `${x(inside(a.time_s.low))},${y(a.place_nm)}`);
    const late = ahead.map((a) => `${x(inside(a.time_s.high))},${y(a.place_nm)}`).reverse();
    made.push(drawn("polygon", { points: [...early, ...late].join(" "), fill: colour, opacity: 0.18 }));
    const middle = ahead.filter((a) => a.time_s.value <= last).map((a) => `${x(a.time_s.value)},${y(a.place_nm)}`);
    made.push(drawn("polyline", { points: middle.join(" "), fill: "none", stroke: colour, "stroke-dasharray": "6 4" }));
  }
  const fitted = front.fitted.map((place, at) => [front.time_s[at], place]).filter(([, place]) => place !== null && place >= 0);
  made.push(drawn("polyline", { points: fitted.map(([time, place]) => `${x(time)},${y(place)}`).join(" "), fill: "none",
    stroke: colour, "stroke-width": 1.5 }));
  front.position.forEach((place, at) => made.push(drawn("circle", { cx: x(front.time_s[at]), cy: y(place), r: 2.2, fill: colour,
    opacity: 0.6 })));
  return made;
}

function ticks(from, to) {
  const rough = (to - from) / 6, power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((times) => times * power).find((size) => size >= rough);
  const found = [];
  for (let at = Math.ceil(from / step) * step; at <= to; at += step) found.push(Math.abs(at) < step * 1e-9 ? 0 : at);
  return found;
}
