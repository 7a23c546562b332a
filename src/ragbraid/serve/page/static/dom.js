// Elements are made here, and texts become nothing but text: there is no way to HTML from a string.

const SVG = "http://www.w3.org/2000/svg";

/** An element with attributes (a function is a listener), and children: elements, texts, or lists of them. */
export function el(name, attributes = {}, ...children) {
  return filled(document.createElement(name), attributes, children);
}

export function svg(name, attributes = {}, ...children) {
  return filled(document.createElementNS(SVG, name), attributes, children);
}

function filled(node, attributes, children) {
  for (const [key, value] of Object.entries(attributes)) {
    if (typeof value === "function") node.addEventListener(key, value);
    else if (value === true) node.setAttribute(key, "");
    else if (value !== false && value !== null && value !== undefined) node.setAttribute(key, value);
  }
  node.append(...children.flat(3).filter((each) => each !== null && each !== undefined && each !== ""));
  return node;
}

export function byId(id) {
  return document.getElementById(id);
}

/** The number with its noun: "1 chunk", "2 chunks". */
export function counted(number, noun) {
  return `${number.toLocaleString("en")} ${noun}${number === 1 ? "" : "s"}`;
}

/** Where in a source something stands, as ragbraid's commands write it. */
export function place({ source, page, line, last_line: last }) {
  if (line == null) return page == null ? source : `${source}, page ${page}`;
  return last == null || last === line ? `${source}:${line}` : `${source}:${line}–${last}`;
}

export function milliseconds(ms) {
  if (ms >= 10_000) return `${(ms / 1000).toFixed(1)} s`;
  return `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`;
}

/** Offer a text as a file. */
export function download(name, text, type) {
  const url = URL.createObjectURL(new Blob([text], { type }));
  el("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 1000);
}
