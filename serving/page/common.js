// What all parts of the page have in common.

export const $ = (id) => document.getElementById(id);

export function headers() {
  const key = sessionStorage.getItem("key");
  return key ? { Authorization: `Bearer ${key}` } : {};
}

export async function ask(path, options = {}) {
  let answer;
  try {
    answer = await fetch(`v1${path}`, { ...options, headers: { ...headers(), ...options.headers } });
  } catch {
    throw new Error("The server does not answer.");
  }
  if (answer.status === 401) $("key-form").hidden = false;
  if (!answer.ok) {
    const problem = await answer.json().catch(() => ({}));
    throw new Error(problem.detail || `The server answered ${answer.status}.`);
  }
  return answer;
}

export function alarm(error) {
  $("alarm").textContent = error ? error.message : "";
  $("alarm").hidden = !error;
}

export function onSubmit(id, work) {
  $(id).addEventListener("submit", async (event) => {
    event.preventDefault();
    const button = event.target.querySelector("button");
    button.disabled = true;
    try {
      await work(new FormData(event.target));
      alarm(null);
    } catch (error) {
      alarm(error);
    } finally {
      button.disabled = false;
    }
  });
}

export function element(name, content = "", attributes = {}) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...[content].flat());
  return made;
}

export function button(text, work) {
  const made = element("button", text, { type: "button", class: "plain" });
  made.addEventListener("click", () => work().then(() => alarm(null), alarm));
  return made;
}

export function drawn(name, attributes) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

export function label(x, y, text, anchor) {
  const made = drawn("text", { x, y, "text-anchor": anchor });
  made.textContent = text;
  return made;
}

export const short = (value) => Number(value.toPrecision(2)).toLocaleString("en", { maximumSignificantDigits: 2 });
