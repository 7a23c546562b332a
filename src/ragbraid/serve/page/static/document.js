// A document beside the answer, opened at the passage. Its text is only ever text.

import { call } from "./api.js";
import { byId, el, place } from "./dom.js";
import { unitsAt } from "./text.js";

const AROUND = 30_000; // characters shown on each side of the passage at first

/** The address that opens a document at a passage. */
export function link({ source, start, end, content_hash: hash }, pipeline) {
  const told = new URLSearchParams({ source });
  if (end !== undefined) told.set("at", `${start}-${end}`);
  if (hash) told.set("hash", hash.slice(0, 16));
  if (pipeline) told.set("pipeline", pipeline);
  return `#/document?${told}`;
}

/** Show the document that an address names, until it is closed. */
export async function open(told, closed) {
  const sheet = byId("document");
  const source = told.get("source") ?? "";
  const title = el("h2", { id: "document-title", tabindex: "-1" }, source);
  const where = el("p", { class: "quiet" }, "Opening…");
  const body = el("div", { class: "text", tabindex: "0", role: "region", "aria-labelledby": "document-title" });
  const close = el("button", { type: "button", class: "close", click: () => sheet.close() }, "Close");
  sheet.replaceChildren(el("header", {}, el("div", {}, title, where), close), body);
  sheet.onclose = () => {
    sheet.replaceChildren();
    closed();
  };
  sheet.onclick = (event) => event.target === sheet && sheet.close(); // beside it
  if (!sheet.open) sheet.showModal();
  title.focus();
  try {
    const found = await call(`api/documents/${encodeURIComponent(source)}?${asked(told)}`);
    show(found, told, where, body);
  } catch (error) {
    where.replaceChildren(el("span", { class: "wrong", role: "alert" }, error.message));
  }
}

function asked(told) {
  const query = new URLSearchParams();
  if (told.has("at")) query.set("highlight", told.get("at"));
  if (told.has("pipeline")) query.set("pipeline", told.get("pipeline"));
  return query;
}

function show(found, told, where, body) {
  const [passage] = found.highlights;
  const changed = told.has("hash") && !found.content_hash.startsWith(told.get("hash"));
  const named = found.metadata.title ? `${found.metadata.title} · ` : "";
  where.textContent = named + (passage ? place({ source: found.source, ...passage }) : found.source);
  if (changed) where.append(el("span", { class: "wrong" }, " It has changed since the answer was made, so the passage may be another."));
  draw(found, passage, body, AROUND);
  body.querySelector("mark")?.scrollIntoView({ block: "center" });
}

function draw(found, passage, body, around) {
  const { start, end } = passage ?? { start: 0, end: 0 };
  const [from, open, shut, to] = unitsAt(found.text, [Math.max(0, start - around), start, end, end + around]);
  const pages = unitsAt(found.text, found.pages).map((at, number) => ({ at, number: number + 1 }));
  const within = (a, b) => withPages(found.text, a, b, pages);
  const more = (label) => el("button", { type: "button", class: "link more", click: () => draw(found, passage, body, around * 8) }, label);
  body.replaceChildren(
    ...(from > 0 ? [more("Show what stands before")] : []),
    ...within(from, open),
    ...(passage ? [el("mark", {}, ...within(open, shut))] : []),
    ...within(shut, to),
    ...(to < found.text.length ? [more("Show what follows")] : []),
  );
}

/** The text between two places, with a line where a page begins. */
function withPages(text, from, to, pages) {
  const found = [];
  let at = from;
  for (const page of pages) {
    if (page.at < from || page.at >= to) continue;
    found.push(text.slice(at, page.at), el("span", { class: "page" }, `Page ${page.number}`));
    at = page.at;
  }
  return [...found, text.slice(at, to)];
}
