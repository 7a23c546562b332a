// The server counts characters (code points), JavaScript UTF-16 units: 😀 is one there and two here.

/** Where in a string the characters of these numbers begin; the numbers ascend. */
export function unitsAt(text, numbers) {
  let at = 0;
  let character = 0;
  return numbers.map((number) => {
    for (; character < number && at < text.length; character++) {
      at += text.codePointAt(at) > 0xffff ? 2 : 1;
    }
    return at;
  });
}

const MARKER = /\[(\d{1,3}(?:\s*[,;]\s*\d{1,3})*)\]/g;

/**
 * An answer's text as pieces: `{text}`, and `{citation}` by its place in the list, where its link belongs.
 *
 * Quotes carry their link behind them. In prose `[n]` names the n-th passage that was found; the citations
 * of one passage come in the order of the sentences that rest on it.
 */
export function pieces(answer) {
  return quoted(answer) ?? marked(answer);
}

function quoted({ text, citations }) {
  const found = [];
  let at = 0;
  for (const [number, { quote }] of citations.entries()) {
    const begin = text.indexOf(quote, at);
    if (begin < 0 || text.slice(at, begin).trim()) return null;
    found.push({ text: text.slice(at, begin) + quote }, { citation: number });
    at = begin + quote.length;
  }
  return citations.length && !text.slice(at).trim() ? found : null;
}

function marked({ text, citations, hits }) {
  const found = [];
  const used = new Map();
  let at = 0;
  for (const marker of text.matchAll(MARKER)) {
    const links = marker[1].split(/[,;]/).map((each) => {
      const chunk = hits[Number(each) - 1]?.id;
      const own = [...citations.keys()].filter((number) => chunk && citations[number].chunk_id === chunk);
      const turn = used.get(chunk) ?? 0;
      used.set(chunk, turn + 1);
      return own[Math.min(turn, own.length - 1)];
    });
    if (links.includes(undefined)) continue;
    found.push({ text: text.slice(at, marker.index) }, ...links.map((citation) => ({ citation })));
    at = marker.index + marker[0].length;
  }
  return [...found, { text: text.slice(at) }];
}
