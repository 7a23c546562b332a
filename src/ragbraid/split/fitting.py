"""Cuts a text to a limit: at the strongest breaks there are, neighbours joined again where they fit."""

from __future__ import annotations

import math
import threading
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ragbraid.embed.protocol import Embedder
from ragbraid.split.counting import Count, counter
from ragbraid.split.pieces import Lexicon, Pieces
from ragbraid.text.context import in_context
from ragbraid.text.markdown import Outline
from ragbraid.types import Chunk, Document

_SEGMENT = 1 << 19
_NO_OUTLINE = Outline()

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Part:
    """Pieces `begin` to `end`, which make a chunk; those before `new` are in the one before, too."""

    begin: int
    new: int
    end: int
    metadata: Mapping[str, Any] = field(default_factory=dict)
    context: str = ""


class Fitter:
    """Makes chunks within a limit; remembers the words it has counted. Usable from several threads."""

    def __init__(self, embedder: Embedder | None, limit: int) -> None:
        self.limit = limit
        self._embedder = embedder
        self._lock = threading.Lock()
        self._measure: tuple[Lexicon, Count, bool] | None = None

    def segments(
        self, document: Document, outline: Outline = _NO_OUTLINE, whole: int = 0
    ) -> Iterator[Pieces]:
        """The pieces of a document from its body on, in stretches of bounded length.

        A line of up to `whole` tokens is one piece, else each word is one. Raises `InputError` where the
        limit is more than the embedder sees of a text.
        """
        lexicon, _, _ = self._measured()
        for start, end in _segments(document.text, document.body):
            yield lexicon.pieces(document.text, start, end, outline, whole)

    def clipped(self, words: str, most: int) -> tuple[str, int]:
        """The beginning of some words that has at most so many tokens, and how many it has."""
        pieces = self._measured()[0].pieces(words, 0, len(words), _NO_OUTLINE)
        last = bisect_right(pieces.tokens, most) - 1
        return words[: pieces.starts[last]].rstrip(), pieces.tokens[last]

    def length(self, words: str) -> int:
        """How many tokens some words have, counted word by word."""
        if not words:
            return 0
        return self._measured()[0].pieces(words, 0, len(words), _NO_OUTLINE).tokens[-1]

    def chunks(self, document: Document, pieces: Pieces, parts: Iterable[Part]) -> Iterator[Chunk]:
        """A chunk for each part; a part whose words' sum may be off is counted, and halved where over."""
        text, starts = document.text, pieces.starts
        found: list[tuple[Part, Span, Span]] = []
        for part in parts:
            new = trimmed(text, starts[part.new], starts[part.end])
            if new[0] < new[1]:
                repeats = part.begin < part.new
                span = trimmed(text, starts[part.begin], starts[part.end]) if repeats else new
                found.append((part, span, new))
        over = self._over(text, pieces, found)
        last = -1
        for i, (part, span, new) in enumerate(found):
            whole = span if span[0] > last else new  # what it repeats was halved
            for a, b in self._halved(text, new, part.context) if i in over else (whole,):
                last = a
                yield Chunk(document.source, a, b, text[a:b], part.metadata, context=part.context)

    def forget(self) -> None:
        """Let go of the counted words."""
        self._measure = None

    def _over(self, text: str, pieces: Pieces, found: list[tuple[Part, Span, Span]]) -> set[int]:
        """The numbers of those that are over the limit though the sum of their pieces isn't."""
        lexicon, count, exact = self._measured()
        if not exact:
            counts = count([in_context(part.context, text[slice(*span)]) for part, span, _ in found])
            return {i for i, tokens in enumerate(counts) if tokens > self.limit}
        return {
            i
            for i, (part, _, _) in enumerate(found)
            if True in pieces.shredded[part.begin : part.end]
            and lexicon.tokens(text, pieces, part.begin, part.end) + self.length(part.context) > self.limit
        }

    def _halved(self, text: str, span: Span, context: str) -> Iterator[Span]:
        """The span in halves that fit. Parts of words may have more tokens together than one by one."""
        start, end = span
        if start == end:
            return
        _, count, _ = self._measured()
        if end - start < 2 or count([in_context(context, text[start:end])])[0] <= self.limit:
            yield span
            return
        middle = (start + end) // 2
        for half in ((start, middle), (middle, end)):
            yield from self._halved(text, trimmed(text, *half), context)

    def _measured(self) -> tuple[Lexicon, Count, bool]:
        with self._lock:
            if self._measure is None:
                count, exact = counter(self._embedder, self.limit)
                self._measure = (Lexicon(count, self.limit, exact), count, exact)
            return self._measure


class FittedRuntime:
    """What the splitters by tokens share: documents one by one, and words that are counted once."""

    def __init__(self, fitter: Fitter, context: bool) -> None:
        self._fitter = fitter
        self._context = context

    def __call__(self, documents: list[Document]) -> list[Chunk]:
        """The chunks of all documents, in order."""
        return [chunk for document in documents for chunk in self._split(document)]

    def close(self) -> None:
        """Forget the counted words."""
        self._fitter.forget()

    def _split(self, document: Document) -> Iterator[Chunk]:
        raise NotImplementedError


def cut(pieces: Pieces, first: int, last: int, limit: int) -> Iterator[Span]:
    """Cut a range of pieces at its strongest breaks, join what fits, and cut the rest at weaker ones."""
    tokens, ranks = pieces.tokens, pieces.ranks
    if last - first < 2 or tokens[last] - tokens[first] <= limit:
        if first < last:
            yield first, last
        return
    strongest = max(ranks[first + 1 : last])
    cuts = [first, *(i for i in range(first + 1, last) if ranks[i] == strongest), last]
    run = 0
    for i in range(1, len(cuts)):
        if tokens[cuts[i]] - tokens[cuts[i - 1]] <= limit or i <= run:
            continue
        begin, end = _with_crumbs(pieces, cuts, run, i, limit // 4)
        if begin != run:
            yield from joined(cuts[run:i], tokens, limit)
        yield from cut(pieces, cuts[begin], cuts[end], limit)
        run = end
    if run < len(cuts) - 1:
        yield from joined(cuts[run:], tokens, limit)


def _with_crumbs(pieces: Pieces, cuts: list[int], run: int, at: int, crumb: int) -> Span:
    """The section that ends at `cuts[at]` with what little stands before it or ends the text behind it.

    So a heading, or the closing tag of a block, makes no chunk of its own. The breaks between them are
    made as weak as the section's own strongest.
    """
    tokens, ranks = pieces.tokens, pieces.ranks
    first, last = at - 1, at
    if cuts[at] - cuts[at - 1] < 2:
        return first, last
    if tokens[cuts[first]] - tokens[cuts[run]] <= crumb:
        first = run
    if tokens[cuts[-1]] - tokens[cuts[at]] <= crumb:
        last = len(cuts) - 1
    weaker = max(ranks[cuts[at - 1] + 1 : cuts[at]])
    for each in cuts[first + 1 : last]:
        ranks[each] = weaker
    return first, last


def joined(cuts: Sequence[int], tokens: list[int], limit: int) -> Iterator[Span]:
    """Join neighbouring sections, none over the limit, into as few chunks of even length as can be."""
    sums = [tokens[each] for each in cuts]
    at = 0
    while at < len(cuts) - 1:
        rest = sums[-1] - sums[at]
        target = sums[at] + rest / max(1, math.ceil(rest / limit))
        furthest = bisect_right(sums, sums[at] + limit, lo=at + 1) - 1
        to = max(at + 1, min(furthest, bisect_left(sums, target, lo=at + 1)))
        yield cuts[at], cuts[to]
        at = to


def runs(pieces: Pieces, units: Sequence[int], limit: int) -> Iterator[Span]:
    """Units, given by the pieces that they begin with and the end, joined whole; one that is over is cut."""
    tokens = pieces.tokens
    run = 0
    for i in range(len(units) - 1):
        if tokens[units[i + 1]] - tokens[units[i]] > limit:
            yield from joined(units[run : i + 1], tokens, limit)
            yield from cut(pieces, units[i], units[i + 1], limit)
            run = i + 1
    yield from joined(units[run:], tokens, limit)


def _segments(text: str, start: int) -> Iterator[Span]:
    """Stretches of bounded length, so that memory doesn't grow with the document; cut where it is blank."""
    while len(text) - start > _SEGMENT:
        low, high = start + _SEGMENT // 2, start + _SEGMENT
        end = max(text.rfind("\n\n", low, high), text.rfind("\r\n\r\n", low, high))
        for blank in ("\n", "\r", " "):
            end = end if end > 0 else text.rfind(blank, low, high)
        end = end if end > 0 else high
        yield start, end
        start = end
    yield start, len(text)


def trimmed(text: str, start: int, end: int) -> Span:
    """The span without the blanks at its ends."""
    part = text[start:end]
    start += len(part) - len(part.lstrip())
    return start, max(start, end - (len(part) - len(part.rstrip())))
