// What this browser keeps: the questions that were asked here, their answers, and what was said of them.

const NAME = "ragbraid.history";
const MOST = 50;

export function entries() {
  try {
    const held = JSON.parse(localStorage.getItem(NAME) ?? "[]");
    return Array.isArray(held) ? held : [];
  } catch {
    return [];
  }
}

/** Keep an entry, the newest first, in place of the one of its id. */
export function keep(entry) {
  const held = entries();
  const at = held.findIndex((each) => each.id === entry.id);
  if (at < 0) held.unshift(entry);
  else held[at] = entry;
  for (let most = MOST; most > 0; most = Math.floor(most / 2)) {
    try {
      localStorage.setItem(NAME, JSON.stringify(held.slice(0, most)));
      return;
    } catch {
      // the browser's room is used up: the oldest go
    }
  }
}

export function drop(id) {
  localStorage.setItem(NAME, JSON.stringify(entries().filter((each) => each.id !== id)));
}

export function forget() {
  localStorage.removeItem(NAME);
}

/** Whether anything was said of an answer. */
export function judged(entry) {
  return Boolean(entry.verdict || entry.passages?.length);
}

/** What was said of answers as `ragbraid questions --feedback` reads it: a JSON object a line, oldest first. */
export function feedback() {
  const said = entries().filter(judged).reverse();
  return said.map((each) => `${JSON.stringify(record(each))}\n`).join("");
}

function record({ question, time, verdict, correct, passages, answer }) {
  const { text, short, abstained, citations } = answer;
  const cited = citations.map(({ source, start, end, quote }) => ({ source, start, end, quote }));
  const found = cited.some(({ quote }) => passages?.some((each) => each.includes(quote)));
  return {
    question,
    verdict: verdict ?? (found ? "up" : "down"),
    answer: text,
    short,
    abstained,
    citations: cited,
    ...(correct ? { correct } : {}),
    ...(passages?.length ? { passages } : {}),
    time,
  };
}
