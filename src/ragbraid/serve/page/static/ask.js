// Asking: the question goes out, the answer comes in pieces, and what was asked before stays at hand.

import { stream } from "./api.js";
import { article } from "./answer.js";
import { byId, counted, download, el } from "./dom.js";
import * as settings from "./settings.js";
import * as store from "./store.js";

let running = null;

/** The last answer of this page, or of the history: what the drawing shows the times of. */
export let last = store.entries()[0] ?? null;

export function begin() {
  const form = byId("ask");
  const question = byId("question");
  form.onsubmit = (event) => {
    event.preventDefault();
    ask(question.value.trim());
  };
  question.onkeydown = (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      form.requestSubmit();
    }
  };
  question.oninput = () => {
    question.style.height = "auto";
    question.style.height = `${question.scrollHeight + 2}px`;
  };
  byId("stop").onclick = stop;
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && running && !document.querySelector("dialog[open]")) stop();
    else if (event.key === "/" && !event.target.closest("input, textarea, select, dialog")) {
      event.preventDefault();
      question.focus();
    }
  });
  byId("forget").onclick = () => {
    store.forget();
    earlier();
    question.focus();
  };
  byId("export").onclick = () => download("feedback.jsonl", store.feedback(), "application/jsonl");
  earlier();
  question.focus();
}

function stop() {
  running?.abort();
}

async function ask(question) {
  if (!question) return;
  const asked = settings.read();
  if (asked === null) {
    settings.complain();
    return;
  }
  stop();
  const own = (running = new AbortController());
  const begun = performance.now();
  const text = el("div", { class: "prose" });
  byId("answer").replaceChildren(el("article", { class: "answer", "aria-busy": "true" }, el("h2", { class: "asked" }, question), text));
  busy(true);
  say("Searching…", "working");
  try {
    const { flow, pipeline, inputs, filter, without } = asked;
    const body = { inputs: { question, ...inputs }, stream: true, ...(without ? { without } : {}), ...(pipeline ? { pipeline } : {}) };
    for await (const { name, value } of stream(`api/flows/${encodeURIComponent(flow)}`, withText(body, "filter", filter), own.signal)) {
      if (own !== running) return;
      if (name === "hits") say(`${counted(value.length, "passage")} found. Writing…`, "working");
      else if (name === "delta") text.append(value.text);
      else if (name === "answer") taken({ question, flow, pipeline, asked: asked.told, ms: performance.now() - begun, answer: value });
    }
  } catch (error) {
    if (own !== running) return;
    if (error.name === "AbortError") say("Stopped.");
    else failed(error, question);
  } finally {
    if (own === running) {
      running = null;
      busy(false);
      byId("answer").firstChild?.removeAttribute("aria-busy");
    }
  }
}

function taken(told) {
  last = { id: crypto.randomUUID?.() ?? String(Math.random()), time: new Date().toISOString(), ...told };
  store.keep(last);
  say(last.answer.abstained ? "No answer in your documents." : `Answered, with ${counted(last.answer.citations.length, "source")}.`, "unseen");
  show(last);
  earlier();
}

function failed(error, question) {
  byId("answer").replaceChildren();
  say("");
  byId("answer").replaceChildren(
    el(
      "div",
      { class: "notice", role: "alert" },
      el("p", {}, error.message),
      el("button", { type: "button", click: () => ask(question) }, "Ask again"),
    ),
  );
}

function show(entry) {
  byId("answer").replaceChildren(article(entry, said));
}

function said(entry) {
  store.keep(entry);
  earlier();
}

function busy(is) {
  byId("send").hidden = is;
  byId("stop").hidden = !is;
}

function say(text, kind = "") {
  byId("status").className = `status ${kind}`;
  byId("status").textContent = text;
}

function earlier() {
  const held = store.entries();
  byId("history").hidden = !held.length;
  byId("export").hidden = !held.some(store.judged);
  byId("earlier").replaceChildren(...held.map(item));
}

function item(entry) {
  const again = () => {
    stop();
    last = entry;
    byId("question").value = entry.question;
    say("");
    show(entry);
    window.scrollTo({ top: 0 });
  };
  const remove = () => {
    store.drop(entry.id);
    earlier();
    byId("question").focus();
  };
  return el(
    "li",
    {},
    el(
      "button",
      { type: "button", class: "link again", click: again },
      entry.question,
      entry.verdict ? el("span", { class: "quiet" }, entry.verdict === "up" ? " (good)" : " (bad)") : null,
    ),
    el("button", { type: "button", class: "link remove", "aria-label": `Forget “${entry.question}”`, click: remove }, "×"),
  );
}

/** The body as JSON, with a member that is JSON already. */
function withText(body, name, text) {
  const told = JSON.stringify(body);
  return text ? `${told.slice(0, -1)},${JSON.stringify(name)}:${text}}` : told;
}
