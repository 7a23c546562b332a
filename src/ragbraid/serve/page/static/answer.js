// An answer as people read it: what it says, where that stands, why these passages, and whether it was right.

import { link } from "./document.js";
import { el, milliseconds, place, svg } from "./dom.js";
import { pieces } from "./text.js";
import { why } from "./why.js";

/** The article of an entry of the history. `changed` is called when something was said of the answer. */
export function article(entry, changed) {
  const { answer, question, pipeline } = entry;
  const cite = (number) => citation(answer.citations[number], number + 1, pipeline);
  return el(
    "article",
    { class: "answer", "aria-labelledby": "asked" },
    el("h2", { id: "asked", class: "asked" }, question),
    answer.abstained ? refusal(answer) : said(answer, cite),
    el("p", { class: "quiet facts" }, facts(entry)),
    opinion(entry, changed),
    answer.hits.length ? why(entry, changed) : null,
  );
}

function refusal({ text }) {
  return el(
    "div",
    { class: "refusal" },
    el("strong", {}, "Your documents don’t answer this."),
    el("p", { class: "prose" }, text),
  );
}

function said(answer, cite) {
  const parts = pieces(answer);
  const body = parts.map((each) => each.text ?? [" ", cite(each.citation)]);
  const shown = parts.every((each) => each.text === undefined || each.text.trim() === "" || isQuote(each, answer));
  return [
    answer.short ? el("p", { class: "short" }, answer.short, ...shortPlace(answer, cite)) : null,
    el("div", { class: "prose" }, body),
    answer.citations.length ? sources(answer, cite, shown) : null,
  ];
}

function isQuote({ text }, { citations }) {
  return citations.some(({ quote }) => quote === text.trim());
}

function shortPlace({ short_citation: place, citations }, cite) {
  const number = citations.findIndex(
    (each) => place && each.source === place.source && each.start <= place.start && place.end <= each.end,
  );
  return number < 0 ? [] : [" ", cite(number)];
}

/** The numbered places; their quotes too, unless the text is made of these. */
function sources({ citations }, cite, shown) {
  const items = citations.map((each, number) =>
    el(
      "li",
      {},
      cite(number),
      el("span", { class: "place" }, ` ${place(each)}`),
      shown ? null : el("blockquote", {}, each.quote),
    ),
  );
  return el("section", { class: "cited", "aria-label": "Sources" }, el("ol", { role: "list" }, items));
}

function citation(cited, number, pipeline) {
  return el(
    "a",
    { class: "cite", href: link(cited, pipeline), "aria-label": `Source ${number}: ${place(cited)}`, title: place(cited) },
    String(number),
  );
}

function facts({ ms, answer, asked }) {
  const sure = answer.abstained ? null : `confidence ${answer.confidence.toFixed(2)}`;
  return [milliseconds(ms), `${answer.hits.length} passages`, sure, asked].filter(Boolean).join(" · ");
}

function opinion(entry, changed) {
  const correct = el("input", {
    type: "text",
    value: entry.correct ?? "",
    autocomplete: "off",
    change: () => {
      entry.correct = correct.value.trim();
      changed(entry);
    },
  });
  const more = el(
    "label",
    { class: "correct", hidden: entry.verdict !== "down" },
    "What would have been right? ",
    correct,
  );
  const thumbs = ["up", "down"].map((verdict) =>
    el(
      "button",
      {
        type: "button",
        class: `thumb ${verdict}`,
        "aria-label": verdict === "up" ? "Good answer" : "Bad answer",
        "aria-pressed": String(entry.verdict === verdict),
        click: () => {
          entry.verdict = entry.verdict === verdict ? undefined : verdict;
          for (const each of thumbs) {
            each.setAttribute("aria-pressed", String(each.classList.contains(entry.verdict ?? "none")));
          }
          more.hidden = entry.verdict !== "down";
          changed(entry);
        },
      },
      svg(
        "svg",
        { viewBox: "0 0 24 24", "aria-hidden": "true" },
        svg("path", { d: "M3 11h4v9H3zM7 11l4-8c2 0 3 1 2.5 3.5L13 9h6c1.5 0 2.3 1 2 2.4l-1.5 7c-.3 1-1 1.6-2 1.6H7" }),
      ),
    ),
  );
  return el("div", { class: "opinion", role: "group", "aria-label": "Was this answer good?" }, thumbs, more);
}
