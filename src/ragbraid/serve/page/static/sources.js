// What is stored, and how more comes in: files that are dropped, with how far each is.

import { call, upload } from "./api.js";
import { link } from "./document.js";
import { byId, counted, el } from "./dom.js";
import { chosen } from "./settings.js";

const PAGE = 200;
const POLL = 250; // milliseconds

export function begin() {
  const files = byId("files");
  files.onchange = () => {
    take([...files.files]);
    files.value = "";
  };
  const over = (is) => byId("drop").classList.toggle("over", is);
  document.addEventListener("dragover", (event) => {
    if (!event.dataTransfer.types.includes("Files")) return;
    event.preventDefault();
    over(true);
  });
  document.addEventListener("dragleave", (event) => event.relatedTarget === null && over(false));
  document.addEventListener("drop", (event) => {
    if (!event.dataTransfer.files.length) return;
    event.preventDefault();
    over(false);
    take([...event.dataTransfer.files]);
    location.hash = "#/sources";
  });
}

/** Each file is a request of its own, so that one that is refused doesn't keep the others out. */
async function take(files) {
  for (const file of files) await one(file);
  await list();
}

async function one(file) {
  const told = el("span", { class: "quiet", role: "status" }, "waits");
  const bar = el("progress", { max: "1", value: "0", "aria-label": file.name });
  const item = el("li", {}, el("span", { class: "name" }, file.name), bar, told);
  byId("uploads").prepend(item);
  try {
    let job = await upload([file], chosen(), (share) => {
      bar.value = share / 2;
      told.textContent = `sent ${Math.round(share * 100)} %`;
    });
    while (job.state === "waiting" || job.state === "running") {
      bar.value = 0.5 + (job.total ? job.done / job.total / 2 : 0);
      told.textContent = job.state === "running" ? "is being read" : "waits";
      await new Promise((resolve) => setTimeout(resolve, POLL));
      job = await call(`api/jobs/${job.id}`);
    }
    bar.value = 1;
    outcome(job, told);
  } catch (error) {
    wrong(told, error.message);
  }
  bar.hidden = true;
}

function outcome(job, told) {
  if (job.state === "failed") return wrong(told, job.error);
  const amiss = [...job.report.failed, ...job.report.skipped];
  if (amiss.length) return wrong(told, `left out: ${amiss.map((each) => each.reason).join("; ")}`);
  told.textContent = "is in";
  told.classList.add("done");
}

function wrong(told, text) {
  told.className = "wrong";
  told.textContent = text;
}

/** Show what is stored, page by page. */
export async function list() {
  const body = el("tbody");
  const found = el("input", { type: "search", placeholder: "Find by name", "aria-label": "Find by name", input: () => narrow(body, found.value) });
  const count = el("p", { class: "quiet", role: "status" });
  const more = el("button", { type: "button" }, "Show more");
  const table = el(
    "table",
    { class: "sources" },
    el("thead", {}, el("tr", {}, ["Source", "Passages", "Read"].map((each) => el("th", { scope: "col" }, each)), el("th", { scope: "col" }, el("span", { class: "unseen" }, "Remove")))),
    body,
  );
  let after = "";
  const page = async () => {
    const { sources, next } = await call(`api/sources?${query({ limit: PAGE, after })}`);
    body.append(...sources.map(row));
    after = next ?? "";
    more.hidden = !next;
    table.hidden = !body.rows.length;
    count.textContent = body.rows.length ? counted(body.rows.length, "source") + (next ? " so far" : "") : "Nothing is stored yet.";
    narrow(body, found.value);
  };
  more.onclick = page;
  try {
    await page();
    byId("listed").replaceChildren(el("div", { class: "row" }, found, count), table, more);
  } catch (error) {
    byId("listed").replaceChildren(el("p", { class: "notice", role: "alert" }, error.message));
  }
}

function query(told) {
  return new URLSearchParams({ ...told, ...(chosen() ? { pipeline: chosen() } : {}) });
}

function narrow(body, text) {
  const wanted = text.trim().toLowerCase();
  for (const each of body.rows) each.hidden = !each.dataset.name.includes(wanted);
}

function row({ source, chunks, metadata, stored_at: stored }) {
  const when = stored ? new Date(stored.$date).toLocaleDateString(undefined, { dateStyle: "medium" }) : "";
  const item = el(
    "tr",
    { "data-name": `${source} ${metadata.title ?? ""}`.toLowerCase() },
    el("th", { scope: "row" }, el("a", { href: link({ source }, chosen()) }, source), metadata.title ? el("span", { class: "quiet title" }, String(metadata.title)) : null),
    el("td", { class: "number" }, String(chunks)),
    el("td", {}, when),
    el("td", {}, remover(source, () => item.remove())),
  );
  return item;
}

/** A button that asks once more before it takes the source out. */
function remover(source, gone) {
  const button = el("button", { type: "button", class: "link", "aria-label": `Remove ${source}` }, "Remove");
  let sure = false;
  button.onblur = () => {
    sure = false;
    button.textContent = "Remove";
    button.setAttribute("aria-label", `Remove ${source}`);
  };
  button.onclick = async () => {
    if (!sure) {
      sure = true;
      button.textContent = "Really?";
      button.setAttribute("aria-label", `Really remove ${source}?`);
      return;
    }
    try {
      await call(`api/documents/${encodeURIComponent(source)}?${query({})}`, { method: "DELETE" });
      gone();
    } catch (error) {
      button.replaceWith(el("span", { class: "wrong", role: "alert" }, error.message));
    }
  };
  return button;
}
