// What is asked how: the pipeline, its flow, and what is tried without touching the file.

import { call } from "./api.js";
import { byId, el } from "./dom.js";

const drawn = new Map();
let pipelines = [];

/** The pipeline's flows as drawings, asked for once. */
export async function graph(pipeline) {
  const query = pipeline ? `?${new URLSearchParams({ pipeline })}` : "";
  if (!drawn.has(pipeline)) drawn.set(pipeline, await call(`api/graph${query}`));
  return drawn.get(pipeline);
}

/** The name of the chosen pipeline, where there are several; else null, which means the one. */
export function chosen() {
  return pipelines.length > 1 ? byId("pipeline").value : null;
}

/** Fill the form with what the server has. Raises `Trouble`. */
export async function begin() {
  pipelines = (await call("api/pipelines")).pipelines.map((each) => each.name);
  byId("served").textContent = pipelines.length > 1 ? "" : pipelines[0];
  byId("pipeline-field").hidden = pipelines.length < 2;
  byId("pipeline").replaceChildren(...pipelines.map((each) => el("option", {}, each)));
  byId("pipeline").onchange = flows;
  for (const id of ["k", "filter", "flow", "rerankers"]) byId(id).addEventListener("input", told);
  byId("reset").onclick = () => {
    for (const id of ["k", "filter"]) byId(id).value = "";
    byId("flow").selectedIndex = 0;
    for (const each of rerankers()) each.checked = true;
    told();
  };
  await flows();
}

async function flows() {
  const asked = (await answering()).map((each) => el("option", {}, each.name));
  byId("flow").replaceChildren(...asked);
  told();
}

/** The flows that answer a question, `ask` first. */
async function answering() {
  const { flows } = await graph(chosen());
  const found = flows.filter((each) => each.gives === "answer" && each.inputs.includes("question"));
  return found.sort((a, b) => (b.name === "ask") - (a.name === "ask"));
}

async function told() {
  const flow = (await answering()).find((each) => each.name === byId("flow").value);
  byId("k").disabled = !flow?.inputs.includes("k");
  const steps = flow?.rerankers ?? [];
  if (rerankers().map((each) => each.value).join() !== steps.join()) offer(steps);
  byId("filter-wrong").textContent = "";
  byId("filter").removeAttribute("aria-invalid");
  const { told } = read() ?? { told: "" };
  byId("tried").textContent = told;
}

/** A box for each reranker of the flow, ticked. */
function offer(steps) {
  byId("rerankers").hidden = !steps.length;
  const boxes = steps.map((step) => el("label", {}, el("input", { type: "checkbox", value: step, checked: true }), step));
  byId("rerankers").lastElementChild.replaceChildren(...boxes);
}

function rerankers() {
  return [...byId("rerankers").querySelectorAll("input")];
}

/** The request as it stands in the form, and what of it differs from the file; null where it is wrong. */
export function read() {
  const flow = byId("flow").value || "ask";
  const k = byId("k").disabled ? NaN : byId("k").valueAsNumber;
  const filter = filterOf(byId("filter").value);
  if (filter === undefined || !byId("k").checkValidity()) return null;
  const without = rerankers().filter((each) => !each.checked).map((each) => each.value);
  const named = [
    byId("flow").selectedIndex > 0 ? flow : "",
    Number.isNaN(k) ? "" : `k = ${k}`,
    filter ? "filtered" : "",
    without.length ? `without ${without.join(", ")}` : "",
  ].filter(Boolean);
  return {
    flow,
    pipeline: chosen(),
    inputs: Number.isNaN(k) ? {} : { k },
    ...(filter ? { filter } : {}),
    ...(without.length ? { without } : {}),
    told: named.join(", "),
  };
}

/** Say what is wrong with the form, and where. */
export function complain() {
  byId("settings").open = true;
  if (!byId("k").reportValidity()) return;
  byId("filter-wrong").textContent = "Only where: write a JSON object, such as {\"lang\": \"en\"}.";
  byId("filter").setAttribute("aria-invalid", "true");
  byId("filter").focus();
}

/** The filter as it was typed: read and written anew, its large numbers would be others. Null for none, undefined for a wrong one. */
function filterOf(text) {
  if (!text.trim()) return null;
  try {
    const value = JSON.parse(text);
    return value && typeof value === "object" && !Array.isArray(value) ? text : undefined;
  } catch {
    return undefined;
  }
}
