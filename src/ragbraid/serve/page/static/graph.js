// The pipeline as a drawing, with the time of each step of the last question.

import { byId, el, milliseconds, svg } from "./dom.js";
import { last } from "./ask.js";
import { chosen, graph } from "./settings.js";

const LINE = 16;
const ROOM = 12;

export async function show() {
  try {
    draw(await graph(chosen()));
  } catch (error) {
    byId("graph").replaceChildren(el("p", { class: "notice", role: "alert" }, error.message));
  }
}

function draw({ description, flows }) {
  const asked = last && (last.pipeline ?? null) === chosen() && flows.some((each) => each.name === last.flow) ? last : null;
  const order = asked ? used(flows, asked.flow) : new Map(flows.map((each) => [each.name, null]));
  const rest = flows.filter((each) => !order.has(each.name));
  const spans = new Map();
  for (const { step, start_ms: start, ms } of asked?.answer.trace ?? []) spans.set(step, [...(spans.get(step) ?? []), { start, end: start + ms }]);
  byId("graph").replaceChildren(
    description ? el("p", {}, description) : "",
    el(
      "p",
      { class: "quiet" },
      asked ? `With the times of “${asked.question}”, ${milliseconds(asked.ms)} in all.` : "Ask something, and each step shows how long it took.",
    ),
    el(
      "div",
      { class: "flows" },
      [...order].map(([name, prefix]) => figure(flows.find((each) => each.name === name), prefix, spans)),
      rest.map((each) => figure(each, null, spans)),
    ),
  );
}

/** The flows that a question ran, the asked one first, each with what stands before its steps in the trace. */
function used(flows, name, prefix = "", found = new Map()) {
  const flow = flows.find((each) => each.name === name);
  if (!flow || found.has(name)) return found;
  found.set(name, prefix);
  for (const box of flow.boxes) if (box.flow) used(flows, box.flow, `${prefix}${box.step}.`, found);
  return found;
}

/** How long a step took, in milliseconds: of a flow within, from its first beginning to its last end. */
function took(box, prefix, spans) {
  if (prefix === null || box.form === "input") return null;
  const name = prefix + box.step;
  if (spans.has(name)) return spans.get(name).reduce((sum, { start, end }) => sum + end - start, 0);
  const within = [...spans].filter(([step]) => step.startsWith(`${name}.`)).flatMap(([, each]) => each);
  if (!within.length) return null;
  return Math.max(...within.map((each) => each.end)) - Math.min(...within.map((each) => each.start));
}

function figure(flow, prefix, spans) {
  const times = new Map(flow.boxes.map((box) => [box, took(box, prefix, spans)]));
  const longest = Math.max(...[...times.values()].filter((each) => each !== null), 1e-9);
  const steps = flow.boxes.filter((box) => box.form !== "input");
  const told = steps.map((box) => box.step + (times.get(box) === null ? "" : ` ${milliseconds(times.get(box))}`)).join(", ");
  const title = flow.gives ? `${flow.name} → ${flow.gives}` : flow.name;
  const drawing = svg(
    "svg",
    { viewBox: `-2 -2 ${flow.width + 4} ${flow.height + 4}`, width: flow.width + 4, height: flow.height + 4, role: "img", "aria-label": `${title}: ${told}` },
    svg("defs", {}, svg("marker", { id: `tip-${flow.name}`, viewBox: "0 0 8 8", refX: 7, refY: 4, markerWidth: 7, markerHeight: 7, orient: "auto" }, svg("path", { class: "tip", d: "M0 .5 8 4 0 7.5z" }))),
    flow.arrows.map((each) => [svg("path", { class: "arrow", d: each.path, "marker-end": `url(#tip-${flow.name})` }), each.said ? svg("text", { class: "note", x: each.x + 4, y: each.y - 10 }, each.said) : null]),
    flow.boxes.map((box) => drawn(box, times.get(box), longest)),
  );
  return el("figure", {}, el("figcaption", {}, title), el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": title }, drawing));
}

function drawn(box, ms, longest) {
  const { x, y, width, height } = box;
  const left = x - width / 2;
  const top = y - height / 2;
  const lines = ms === null ? box.lines : [...box.lines, milliseconds(ms)];
  const first = y - (lines.length * LINE) / 2 + ROOM;
  return svg(
    "g",
    { class: `box ${box.form}` },
    svg("rect", { x: left, y: top, width, height, rx: box.form === "input" ? height / 2 : 5 }),
    ms === null ? null : svg("rect", { class: "heat", x: left + 1, y: top + height - 4, width: Math.max(2, (width - 2) * (ms / longest)), height: 3, rx: 1.5 }),
    lines.map((line, number) =>
      svg("text", { class: number === 0 ? "name" : number === box.lines.length ? "time" : "note", x, y: first + number * LINE, "text-anchor": "middle" }, line),
    ),
  );
}
