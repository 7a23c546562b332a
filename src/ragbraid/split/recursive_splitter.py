"""The `recursive-splitter`: passages as long as allowed, cut at the strongest break there is."""

from __future__ import annotations

import math
import threading
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, ClassVar

from annotated_types import Ge

from ragbraid.embed.protocol import Embedder
from ragbraid.split.counting import Count, counter
from ragbraid.split.pieces import Lexicon, Pieces
from ragbraid.text.markdown import Outline, outline
from ragbraid.types import Chunk, Document

_SEGMENT = 1 << 19
_NO_OUTLINE = Outline((), ())

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class RecursiveSplitter:
    """Cuts documents at headings, paragraphs, lines, sentences or words: the strongest break that fits.

    No chunk has more than `max_tokens` of the embedder's tokens (special tokens not counted); without an
    embedder, a word counts as a token for each four bytes begun. A passage that is too long is cut at all
    its strongest breaks, and neighbours are joined again into chunks of even length; what is still too
    long is cut at the next weaker breaks, at last inside a word. Code fences of Markdown are cut only
    where they don't fit. Each chunk begins with up to `overlap` tokens of the one before.

    Offsets are exact, and chunks hold no blanks at their ends. Raises `InputError` where `max_tokens` is
    more than the embedder sees of a text.
    """

    embedder: Embedder | None = None
    max_tokens: Annotated[int, Ge(8)] = 220
    overlap: Annotated[int, Ge(0)] = 0

    blocking: ClassVar[bool] = True
    version: ClassVar[int] = 1

    def __post_init__(self) -> None:
        if self.overlap > self.max_tokens // 2:
            raise ValueError(f"overlap ({self.overlap}) may be half of max_tokens ({self.max_tokens})")

    def open(self) -> RecursiveSplitterRuntime:
        """A splitter that reads its embedder's tokenizer at the first call."""
        return RecursiveSplitterRuntime(self.embedder, self.max_tokens, self.overlap)


class RecursiveSplitterRuntime:
    """Splits documents; remembers the words it has counted."""

    def __init__(self, embedder: Embedder | None, max_tokens: int, overlap: int) -> None:
        self._embedder = embedder
        self._limit = max_tokens
        self._overlap = overlap
        self._lock = threading.Lock()
        self._measure: tuple[Lexicon, Count, bool] | None = None

    def __call__(self, documents: list[Document]) -> list[Chunk]:
        """The chunks of all documents, in order."""
        return [chunk for document in documents for chunk in self._split(document)]

    def close(self) -> None:
        """Forget the counted words."""
        self._measure = None

    def _split(self, document: Document) -> Iterator[Chunk]:
        text = document.text
        lexicon, count, exact = self._measured()
        marks = outline(text, document.body) if document.media_type == "text/markdown" else _NO_OUTLINE
        for start, end in _segments(text, document.body):
            pieces = lexicon.pieces(text, start, end, marks)
            for a, b in self._fitted(text, pieces, count, exact):
                yield Chunk(document.source, a, b, text[a:b])

    def _fitted(self, text: str, pieces: Pieces, count: Count, exact: bool) -> list[Span]:
        """The chunks of a segment; those whose words' sum may be off are counted, and halved where over."""
        fitted: list[Span] = []
        starts, shredded = pieces.starts, pieces.shredded
        spans: list[tuple[Span, Span]] = []
        unsure: list[int] = []
        for begin, first, last in self._overlapping(pieces):
            new = _trimmed(text, starts[first], starts[last])
            if new[0] < new[1]:
                if not exact or any(shredded[begin:last]):
                    unsure.append(len(spans))
                spans.append((_trimmed(text, starts[begin], starts[last]), new))
        counts = count([text[slice(*spans[i][0])] for i in unsure])
        over = {i for i, tokens in zip(unsure, counts, strict=True) if tokens > self._limit}
        for i, (span, new) in enumerate(spans):
            fitted += self._halved(text, new, count) if i in over else (span,)
        return fitted

    def _overlapping(self, pieces: Pieces) -> Iterator[tuple[int, int, int]]:
        """For each chunk the piece where it begins, where what's new in it begins, and where it ends."""
        before = -1
        for first, last in _cut(pieces, 0, len(pieces.ranks), self._limit - self._overlap):
            begin = first
            if self._overlap and before >= 0:
                earliest = bisect_left(pieces.tokens, pieces.tokens[first] - self._overlap)
                begin = max(before + 1, min(earliest, first))
            before = first
            yield begin, first, last

    def _halved(self, text: str, span: Span, count: Count) -> Iterator[Span]:
        """The span in halves that fit. Parts of words may have more tokens together than one by one."""
        start, end = span
        if start == end:
            return
        if end - start < 2 or count([text[start:end]])[0] <= self._limit:
            yield span
            return
        middle = (start + end) // 2
        for half in ((start, middle), (middle, end)):
            yield from self._halved(text, _trimmed(text, *half), count)

    def _measured(self) -> tuple[Lexicon, Count, bool]:
        with self._lock:
            if self._measure is None:
                count, exact = counter(self._embedder, self._limit)
                self._measure = (Lexicon(count, self._limit), count, exact)
            return self._measure


def _cut(pieces: Pieces, first: int, last: int, limit: int) -> Iterator[Span]:
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
            yield from _joined(cuts[run:i], tokens, limit)
        yield from _cut(pieces, cuts[begin], cuts[end], limit)
        run = end
    if run < len(cuts) - 1:
        yield from _joined(cuts[run:], tokens, limit)


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
    for cut in cuts[first + 1 : last]:
        ranks[cut] = weaker
    return first, last


def _joined(cuts: list[int], tokens: list[int], limit: int) -> Iterator[Span]:
    """Join neighbouring sections, none over the limit, into as few chunks of even length as can be."""
    sums = [tokens[cut] for cut in cuts]
    at = 0
    while at < len(cuts) - 1:
        rest = sums[-1] - sums[at]
        target = sums[at] + rest / max(1, math.ceil(rest / limit))
        furthest = bisect_right(sums, sums[at] + limit, lo=at + 1) - 1
        to = max(at + 1, min(furthest, bisect_left(sums, target, lo=at + 1)))
        yield cuts[at], cuts[to]
        at = to


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


def _trimmed(text: str, start: int, end: int) -> Span:
    part = text[start:end]
    start += len(part) - len(part.lstrip())
    return start, max(start, end - (len(part) - len(part.rstrip())))
