// What an address shows: #/ asks, #/sources, #/pipeline, and #/document?… lies above any of them.

import * as ask from "./ask.js";
import * as documents from "./document.js";
import { byId, el } from "./dom.js";
import * as graph from "./graph.js";
import * as settings from "./settings.js";
import * as sources from "./sources.js";

const VIEWS = { ask: () => {}, sources: sources.list, pipeline: graph.show };
let below = "#/"; // the view that a document lies above

function route() {
  const [path, query = ""] = location.hash.split("?", 2);
  if (path === "#/document") {
    view(below);
    documents.open(new URLSearchParams(query), () => {
      if (location.hash.startsWith("#/document")) location.hash = below;
    });
    return;
  }
  if (byId("document").open) byId("document").close();
  if (below === path) return;
  below = path || "#/";
  view(below, true);
}

function view(path, refresh = false) {
  const name = path.slice(2) in VIEWS ? path.slice(2) : "ask";
  for (const each of Object.keys(VIEWS)) byId(`view-${each}`).hidden = each !== name;
  for (const each of document.querySelectorAll("nav a")) {
    if (each.dataset.view === name) each.setAttribute("aria-current", "page");
    else each.removeAttribute("aria-current");
  }
  if (refresh) VIEWS[name]();
}

ask.begin();
sources.begin();
try {
  await settings.begin();
} catch (error) {
  byId("answer").replaceChildren(el("p", { class: "notice", role: "alert" }, error.message));
}
below = null;
window.addEventListener("hashchange", route);
if (location.hash.startsWith("#/document")) below = "#/";
route();
