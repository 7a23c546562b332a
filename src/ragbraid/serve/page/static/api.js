// What the page asks the server, by relative addresses, so that it works below any path.

import { byId } from "./dom.js";

const KEY = "ragbraid.key";

/** A failure as a sentence for people. `status` is 0 where the server can't be reached. */
export class Trouble extends Error {
  constructor(message, status = 0) {
    super(message);
    this.status = status;
  }
}

/** The JSON that a request is answered with. Raises `Trouble`; asks for a key where one is wanted. */
export async function call(path, { method = "GET", body, signal } = {}) {
  return (await answered(path, { method, body, signal })).json();
}

/** The events of a flow as they come: `{name, value}`. Raises `Trouble` for one that fails. */
export async function* stream(path, body, signal) {
  const response = await answered(path, { method: "POST", body, signal });
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let held = "";
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) throw new Trouble("The answer broke off: the server went away. Ask again.");
      held += value;
      const blocks = held.split("\n\n");
      held = blocks.pop();
      for (const block of blocks) {
        const told = event(block);
        if (told.name === "error") throw new Trouble(told.value.detail ?? "Something went wrong.", told.value.status);
        yield told;
        if (told.name === "answer") return;
      }
    }
  } catch (error) {
    throw inWords(error);
  } finally {
    reader.cancel().catch(() => {});
  }
}

function event(block) {
  const fields = Object.fromEntries(block.split("\n").map((line) => line.split(/: (.*)/s, 2)));
  return { name: fields.event, value: JSON.parse(fields.data) };
}

async function answered(path, { method, body, signal }) {
  for (;;) {
    const headers = { ...authorization(), ...(body ? { "Content-Type": "application/json" } : {}) };
    let response;
    try {
      response = await fetch(path, { method, headers, signal, body: typeof body === "object" ? JSON.stringify(body) : body });
    } catch (error) {
      throw inWords(error);
    }
    if (response.ok) return response;
    const trouble = await told(response);
    if (response.status !== 401 || !(await asksForKey(trouble))) throw trouble;
  }
}

function inWords(error) {
  if (error instanceof Trouble || error.name === "AbortError") return error;
  return new Trouble("The server can’t be reached. Is ragbraid serve still running?");
}

async function told(response) {
  let detail = "";
  try {
    detail = (await response.json()).detail;
  } catch {
    // no problem+json: something between here and the server answered
  }
  const again = response.headers.get("Retry-After");
  const when = again && response.status !== 401 ? ` Try again in ${again} s.` : "";
  return new Trouble((detail || `The server answered ${response.status}.`) + when, response.status);
}

/** Upload files; `progress` is called with the share that was sent. Returns the job. Raises `Trouble`. */
export async function upload(files, pipeline, progress) {
  const form = new FormData();
  for (const each of files) form.append("files", each, each.name);
  if (pipeline) form.append("pipeline", pipeline);
  for (;;) {
    const { status, body } = await sent(form, progress);
    if (status >= 200 && status < 300) return body;
    const trouble = new Trouble(body?.detail || (status ? `The server answered ${status}.` : "The server can’t be reached."), status);
    if (status !== 401 || !(await asksForKey(trouble))) throw trouble;
  }
}

function sent(form, progress) {
  return new Promise((resolve) => {
    const request = new XMLHttpRequest(); // fetch doesn't tell how much of a body was sent
    request.open("POST", "api/ingest");
    for (const [name, value] of Object.entries(authorization())) request.setRequestHeader(name, value);
    request.upload.onprogress = (each) => progress(each.lengthComputable ? each.loaded / each.total : 0);
    request.onloadend = () => {
      let body = null;
      try {
        body = JSON.parse(request.responseText);
      } catch {
        // nothing, or nothing of ours
      }
      resolve({ status: request.status, body });
    };
    request.send(form);
  });
}

function authorization() {
  const key = sessionStorage.getItem(KEY);
  return key ? { Authorization: `Bearer ${key}` } : {};
}

let asking = null;

/** Whether a key was given. Several requests that want one at a time ask once. */
function asksForKey(trouble) {
  asking ??= new Promise((resolve) => {
    const dialog = byId("key");
    const field = byId("key-field");
    if (sessionStorage.getItem(KEY)) byId("key-why").textContent = trouble.message;
    field.value = "";
    dialog.returnValue = "";
    byId("key-form").onsubmit = () => {
      sessionStorage.setItem(KEY, field.value.trim());
      dialog.returnValue = "given";
    };
    byId("key-cancel").onclick = () => dialog.close("");
    dialog.onclose = () => {
      asking = null;
      resolve(field.value !== "" && sessionStorage.getItem(KEY) === field.value.trim());
    };
    dialog.showModal();
  });
  return asking;
}
