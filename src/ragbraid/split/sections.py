"""Chunks that don't cross sections: each is called by its section, and has its context."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any

from ragbraid.split.fitting import Fitter, Part, cut, runs
from ragbraid.split.pieces import Pieces
from ragbraid.text.markdown import Outline
from ragbraid.types import Chunk, Document


@dataclass(frozen=True, slots=True)
class Section:
    """A stretch of a text, up to where the next one starts.

    `contexts` are what chunks are embedded with: each pair holds from an offset on, the first from the
    start. None is longer than half the limit; see `Fitter.clipped`.
    """

    start: int
    metadata: Mapping[str, Any] = field(default_factory=dict)
    contexts: tuple[tuple[int, str], ...] = ()
    units: Sequence[int] = ()
    """Where the rows begin that stay whole, in order; without them, it is cut at its strongest breaks."""


class Segment:
    """A stretch of a document in pieces, with what sections are made by."""

    def __init__(self, text: str, pieces: Pieces) -> None:
        self.text = text
        self.pieces = pieces

    @property
    def span(self) -> tuple[int, int]:
        """Where it starts and ends in the text."""
        return self.pieces.starts[0], self.pieces.starts[-1]

    def at(self, offset: int) -> int:
        """The number of the first piece that belongs to what starts at `offset`."""
        starts = self.pieces.starts
        i = max(0, bisect_right(starts, offset) - 1)
        if i < len(starts) - 1 and starts[i] < offset and self.text[starts[i] : offset].strip():
            i += 1
        return min(i, len(starts) - 1)

    def tokens(self, start: int, end: int) -> int:
        """The tokens between two offsets, as far as they lie in this stretch."""
        return self.pieces.tokens[self.at(end)] - self.pieces.tokens[self.at(start)]


def sectioned(
    fitter: Fitter,
    document: Document,
    outline: Outline,
    sections: Callable[[Segment], Iterable[Section]],
    *,
    by_lines: bool = True,
) -> Iterator[Chunk]:
    """The chunks of a document. `sections` gives those of a stretch, in order, the first from its start.

    With `by_lines`, all that is said of sections (their starts, contexts and units) holds for whole lines.
    """
    # No context is longer than half the limit, so a line of the other half fits below any.
    whole = fitter.limit // 2 if by_lines else 0
    for pieces in fitter.segments(document, outline, whole):
        if pieces.ranks:
            segment = Segment(document.text, pieces)
            parts = _Parts(fitter, segment)
            yield from fitter.chunks(document, pieces, parts.of([*sections(segment)]))


class _Parts:
    """Cuts the sections of a stretch into parts that fit with their contexts."""

    def __init__(self, fitter: Fitter, segment: Segment) -> None:
        self._fitter = fitter
        self._segment = segment
        self._lengths = {"": 0}

    def of(self, sections: list[Section]) -> Iterator[Part]:
        pieces = self._segment.pieces
        if not sections:  # all of it is blank
            return
        starts = [0, *(self._segment.at(each.start) for each in sections[1:]), len(pieces.ranks)]
        for section, first, last in zip(sections, starts[:-1], starts[1:], strict=True):
            yield from self._fitted(section, first, last)

    def _fitted(self, section: Section, first: int, last: int) -> Iterator[Part]:
        """What fits is whole; else room is left for the longest context of the range."""
        if first >= last:
            return
        tokens = self._segment.pieces.tokens[last] - self._segment.pieces.tokens[first]
        context = self._context(section, first)
        if last - first < 2 or tokens + self._length(context) <= self._fitter.limit:
            yield Part(first, first, last, section.metadata, context)
            return
        room = self._fitter.limit - self._longest(section, first, last)
        for a, b in self._spans(section, first, last, room):
            yield Part(a, a, b, section.metadata, self._context(section, a))

    def _spans(self, section: Section, first: int, last: int, room: int) -> Iterator[tuple[int, int]]:
        if not section.units:
            return cut(self._segment.pieces, first, last, room)
        start, end = self._segment.pieces.starts[first], self._segment.pieces.starts[last]
        held = section.units[bisect_left(section.units, start) : bisect_left(section.units, end)]
        begins = {first, *(self._segment.at(each) for each in held)} - {last}
        return runs(self._segment.pieces, [*sorted(begins), last], room)

    def _context(self, section: Section, piece: int) -> str:
        if not section.contexts:
            return ""
        return section.contexts[_holding(section, self._segment.pieces.starts[piece])][1]

    def _longest(self, section: Section, first: int, last: int) -> int:
        starts = self._segment.pieces.starts
        if not section.contexts:
            return 0
        held = section.contexts[_holding(section, starts[first]) : _holding(section, starts[last]) + 1]
        return max(self._length(words) for _, words in held)

    def _length(self, words: str) -> int:
        if words not in self._lengths:
            self._lengths[words] = self._fitter.length(words)
        return self._lengths[words]


def _holding(section: Section, offset: int) -> int:
    """Which of a section's contexts holds at an offset."""
    return max(0, bisect_right(section.contexts, offset, key=itemgetter(0)) - 1)
