// "Why these passages?": what was found, and what each stage thought of it, side by side.

import { link } from "./document.js";
import { el, place } from "./dom.js";

/** The table of an entry's hits, closed at first. */
export function why(entry, changed) {
  const { hits } = entry.answer;
  const stages = [...new Set(hits.flatMap((hit) => Object.keys(hit.scores)))];
  const columns = new Map(stages.map((each) => [each, column(hits.map((hit) => hit.scores[each]))]));
  return el(
    "details",
    { class: "why" },
    el("summary", {}, "Why these passages?"),
    el(
      "p",
      { class: "quiet" },
      "The best first, with the score and the rank that each stage of the search gave it. Mark what would have been right.",
    ),
    el(
      "div",
      { class: "scroll", role: "region", "aria-label": "Passages and their scores", tabindex: "0" },
      el(
        "table",
        {},
        el("thead", {}, el("tr", {}, head("", "Rank"), head("Passage"), stages.map((each) => head(each)), head("", "Right?"))),
        el("tbody", {}, hits.map((hit, number) => row(hit, number, columns, entry, changed))),
      ),
    ),
  );
}

function head(text, unseen) {
  return el("th", { scope: "col" }, text, unseen ? el("span", { class: "unseen" }, unseen) : null);
}

function row(hit, number, columns, entry, changed) {
  const cells = [...columns].map(([stage, held]) => cell(hit.scores[stage], held));
  return el(
    "tr",
    {},
    el("td", { class: "rank" }, String(number + 1)),
    el(
      "th",
      { scope: "row" },
      el("a", { href: link(hit, entry.pipeline) }, place(hit)),
      el("p", { class: "snippet" }, hit.text),
    ),
    cells,
    el("td", {}, mark(hit, number, entry, changed)),
  );
}

function mark(hit, number, entry, changed) {
  const marked = () => entry.passages?.includes(hit.text) ?? false;
  const button = el(
    "button",
    {
      type: "button",
      class: "mark",
      "aria-pressed": String(marked()),
      "aria-label": `Passage ${number + 1} is right`,
      click: () => {
        entry.passages = marked()
          ? entry.passages.filter((each) => each !== hit.text)
          : [...(entry.passages ?? []), hit.text];
        button.setAttribute("aria-pressed", String(marked()));
        changed(entry);
      },
    },
    "Right",
  );
  return button;
}

/** The scores of a stage: the least, the greatest, and all of them in order. */
function column(scores) {
  const held = scores.filter((each) => each !== undefined && each !== null).sort((a, b) => b - a);
  return { order: held, most: held[0], least: held[held.length - 1] };
}

function cell(score, { order, most, least }) {
  if (score === undefined || score === null) {
    return el("td", { class: "score" }, el("span", { class: "quiet" }, "–"), el("span", { class: "unseen" }, "not among its passages"));
  }
  const bar = el("span", { class: "bar" });
  bar.style.width = `${most > least ? Math.round(((score - least) / (most - least)) * 100) : 100}%`;
  return el(
    "td",
    { class: "score" },
    el("span", { class: "number" }, score.toPrecision(3)),
    el("span", { class: "quiet" }, ` #${order.indexOf(score) + 1}`),
    bar,
  );
}
