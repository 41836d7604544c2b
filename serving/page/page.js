// The page talks to the service as any client does; nothing is loaded from elsewhere.

import { $, alarm, ask, button, drawn, element, headers, label, onSubmit, short } from "./common.js";
import { showSessions } from "./sessions.js";

const COLOURS = ["#ffffff", "#999999", "#e69f00", "#0072b2", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#f0e442"];
const UP = "#009e73", DOWN = "#d55e00", SPEED = "#0072b2";
const LOOK_MS = 1500;
// --- what there is -----------------------------------------------------------------------------------------------

async function begin() {
  const models = await (await ask("/models")).json();
  const { segmenter, kinetics } = models;
  $("models").textContent =
    `Frames: ${segmenter.name} ${segmenter.version} (${segmenter.sha256.slice(0, 8)}). ` +
    `Kinetics: ${kinetics.name} ${kinetics.version} (${kinetics.sha256.slice(0, 8)}).`;
  const materials = await (await ask("/materials")).json();
  for (const select of document.querySelectorAll("select.hosts"))
    for (const host of Object.keys(materials.hosts)) select.append(element("option", host));
  for (const geometry of materials.geometries)
    $("geometries").append(element("option", geometry.replaceAll("_", " "), { value: geometry }));
  await Promise.all([showSessions(), showJobs()]);
}

onSubmit("key-form", async () => {
  sessionStorage.setItem("key", $("key").value.trim());
  await begin();
  $("key-form").hidden = true;
});

// --- movies ------------------------------------------------------------------------------------------------------

function send(path, file) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const bar = $("sending");
    bar.hidden = false;
    request.upload.onprogress = (event) => { bar.value = event.loaded / event.total; };
    request.onload = () => {
      bar.hidden = true;
      const told = JSON.parse(request.responseText || "{}");
      if (request.status < 300) resolve(told);
      else reject(new Error(told.detail || `The server answered ${request.status}.`));
    };
    request.onerror = () => { bar.hidden = true; reject(new Error("The movie could not be sent.")); };
    request.open("POST", `v1${path}`);
    for (const [name, value] of Object.entries(headers())) request.setRequestHeader(name, value);
    request.send(file);
  });
}

onSubmit("movie-form", async (form) => {
  const file = form.get("file");
  const query = new URLSearchParams({ name: file.name });
  for (const name of ["pixel_size_nm", "frame_time_s", "host", "ion"]) if (form.get(name)) query.set(name, form.get(name));
  await send(`/movies?${query}`, file);
  await showJobs();
});

let looking = null;

async function showJobs() {
  clearTimeout(looking);
  const jobs = await (await ask("/movies")).json();
  if (jobs.length) $("jobs").replaceChildren(...jobs.map(row));
  else $("jobs").replaceChildren(element("tr", element("td", "No movies yet.", { colspan: 4, class: "soft" })));
  if (jobs.some((job) => ["arriving", "queued", "running"].includes(job.state)))
    looking = setTimeout(() => showJobs().catch(alarm), LOOK_MS);
}

function row(job) {
  const going = ["arriving", "queued", "running"].includes(job.state);
  const frames = element("td", job.frames ? `${job.frames_done} of ${job.frames}` : "");
  if (job.state === "running" && job.frames)
    frames.append(" ", element("progress", "", { max: job.frames, value: job.frames_done, "aria-label": "Frames done" }));
  const actions = element("td");
  if (job.files.includes("report.html")) actions.append(button("Report", () => open(job, "report.html")), " ");
  if (job.files.includes("kinetics.json")) actions.append(button("JSON", () => open(job, "kinetics.json")), " ");
  actions.append(button(going ? "Cancel" : "Forget", async () => {
    await ask(`/movies/${job.id}`, { method: "DELETE" });
    await showJobs();
  }));
  const state = element("td", job.error ? `${job.state}: ${job.error}` : job.state);
  return element("tr", [element("td", job.movie), state, frames, actions]);
}

async function open(job, name) {
  const blob = await (await ask(`/movies/${job.id}/files/${name}`)).blob();
  const link = element("a", "", { href: URL.createObjectURL(blob), target: "_blank" });
  link.click();
}

// --- a frame -----------------------------------------------------------------------------------------------------

onSubmit("frame-form", async (form) => {
  const answer = await ask("/segment", { method: "POST", body: form.get("file") });
  const result = JSON.parse(answer.headers.get("X-Result"));
  const picture = await createImageBitmap(await answer.blob());
  const canvas = $("labels");
  [canvas.width, canvas.height] = [picture.width, picture.height];
  const context = canvas.getContext("2d");
  context.drawImage(picture, 0, 0);
  const image = context.getImageData(0, 0, picture.width, picture.height);
  const colours = COLOURS.map((colour) => [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16)));
  for (let at = 0; at < image.data.length; at += 4) image.data.set(colours[image.data[at] % colours.length], at);
  context.putImageData(image, 0, 0);
  const all = picture.width * picture.height;
  $("areas").replaceChildren(...result.phases.map((phase, label) => {
    const swatch = element("span", "", { class: "swatch", style: `background: ${COLOURS[label % COLOURS.length]}` });
    swatch.style.background = COLOURS[label % COLOURS.length];
    return element("li", [swatch, `${phase} ${(100 * result.area_px[phase] / all).toFixed(1)} %`]);
  }));
  $("foreign").hidden = !result.out_of_domain;
  $("frame-result").hidden = false;
});

// --- what to expect ----------------------------------------------------------------------------------------------

onSubmit("predict-form", async (form) => {
  const ions = form.getAll("ion");
  if (!ions.length) throw new Error("Choose an ion or more.");
  const rest = Object.fromEntries(["size_nm", "bias_v", "temperature_k"].map((name) => [name, Number(form.get(name))]));
  const reactions = ions.map((ion) => ({ host: form.get("host"), ion, geometry: form.get("geometry") || null, ...rest }));
  const answer = await ask("/kinetics/predict", {
    method: "POST", body: JSON.stringify({ reactions }), headers: { "Content-Type": "application/json" },
  });
  const steps = (await answer.json()).reactions.flat();
  $("expected").replaceChildren(...steps.map((step) => element("tr", [
    element("td", `${step.host} + ${step.ion}, ${step.step}: ${step.mechanism}`),
    element("td", `${short(step.velocity_nm_s.value)} [${short(step.velocity_nm_s.low)}, ${short(step.velocity_nm_s.high)}]`),
    element("td", `${step.exponent.value.toFixed(2)} [${step.exponent.low.toFixed(2)}, ${step.exponent.high.toFixed(2)}]`),
    element("td", likeliest(step.law_probabilities)),
    element("td", `${(100 * step.probability_through).toFixed(0)} %`),
  ])));
  $("waterfalls").replaceChildren(waterfalls(steps));
  $("reasons-head").replaceChildren(element("th", "part"), ...steps.map((step) => element("th", `${step.ion}, ${step.step}`)),
    element("th", "rests on"));
  $("reasons").replaceChildren(...steps[0].contributions_log10.map((part, at) => element("tr", [
    element("th", part.part),
    ...steps.map((step) => element("td", signed(step.contributions_log10[at].log10), { class: "number" })),
    element("td", [...new Set(steps.map((step) => step.contributions_log10[at].rests_on))].join("; ")),
  ])));
  $("predict-result").hidden = false;
});

const signed = (value) => `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(2)}`;

function likeliest(laws) {
  const [name, share] = Object.entries(laws).sort((a, b) => b[1] - a[1])[0];
  return `${name.replaceAll("_", "-")} (${(100 * share).toFixed(0)} %)`;
}

function waterfalls(steps) {
  const wide = 210, left = 150, top = 40, line = 24, parts = steps[0].contributions_log10.length;
  const ends = steps.flatMap((step) => {
    let sum = 0;
    const sums = step.contributions_log10.map((part) => (sum += part.log10));
    return [...sums, Math.log10(step.velocity_nm_s.low), Math.log10(step.velocity_nm_s.high)];
  });
  const [least, most] = [Math.min(0, ...ends) - 0.3, Math.max(...ends) + 0.6];
  const svg = drawn("svg", { width: left + wide * steps.length, height: top + line * (parts + 1) + 40, role: "img",
    "aria-label": "What each part of the physics adds to the logarithm of the speed" });
  steps[0].contributions_log10.forEach((part, at) => svg.append(label(left - 8, top + line * (at + 0.65), part.part, "end")));
  svg.append(label(left - 8, top + line * (parts + 0.65), "speed", "end"));
  steps.forEach((step, column) => {
    const x = (value) => left + wide * column + 10 + (wide - 30) * (value - least) / (most - least);
    svg.append(label(left + wide * (column + 0.5), 14, `${step.host} + ${step.ion}, ${step.step}`, "middle"));
    svg.append(label(left + wide * (column + 0.5), 30, step.mechanism, "middle"));
    for (let power = Math.ceil(least); power <= most; power += 2) {
      svg.append(drawn("line", { x1: x(power), x2: x(power), y1: top, y2: top + line * (parts + 1), stroke: "#dfe5ea" }));
      svg.append(label(x(power), top + line * (parts + 1) + 16, power, "middle"));
    }
    let sum = 0;
    step.contributions_log10.forEach((part, at) => {
      const [from, to] = [Math.min(sum, sum + part.log10), Math.max(sum, sum + part.log10)];
      svg.append(drawn("rect", { x: x(from), y: top + line * at + 4, width: Math.max(x(to) - x(from), 1), height: line - 8,
        fill: part.log10 < 0 ? DOWN : UP }));
      svg.append(label(x(to) + 3, top + line * (at + 0.65), signed(part.log10), "start"));
      sum += part.log10;
    });
    const y = top + line * (parts + 0.5);
    const [low, high] = [Math.log10(step.velocity_nm_s.low), Math.log10(step.velocity_nm_s.high)];
    svg.append(drawn("line", { x1: x(low), x2: x(high), y1: y, y2: y, stroke: SPEED, "stroke-width": 3 }));
    svg.append(drawn("circle", { cx: x(sum), cy: y, r: 5, fill: SPEED }));
  });
  svg.append(label(left + wide * steps.length / 2, top + line * (parts + 1) + 34, "log₁₀ of the mean speed in nm/s", "middle"));
  return svg;
}

begin().catch(alarm);
