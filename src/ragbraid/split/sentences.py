"""The `sentences` splitter: chunks of whole sentences."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, ClassVar

from annotated_types import Ge

from ragbraid.embed.protocol import Embedder
from ragbraid.split.fitting import FittedRuntime, Fitter, Part, cut, runs
from ragbraid.split.naming import Naming
from ragbraid.split.pieces import Pieces
from ragbraid.split.sections import Segment
from ragbraid.text.markdown import outline_of
from ragbraid.text.sentences import sentences
from ragbraid.types import Chunk, Document


@dataclass(frozen=True, slots=True)
class Sentences:
    """Cuts documents between sentences, and fills each chunk with as many as fit.

    No chunk has more than `max_tokens` of the embedder's tokens (special tokens not counted; without an
    embedder, a word counts as a token for each four bytes begun). Each begins with the last `overlap`
    sentences of the one before, as far as one new sentence fits as well. A sentence that alone is over the
    limit is cut inside. Rules tell the end of a sentence from abbreviations, ordinals and decimals, in
    English, German, Chinese, Japanese and their like; list items, headings, table rows and lines of code
    count as sentences. With `context`, chunks are embedded with the document's title.

    Offsets are exact. Raises `InputError` where `max_tokens` is more than the embedder sees of a text.
    """

    embedder: Embedder | None = None
    max_tokens: Annotated[int, Ge(8)] = 220
    overlap: Annotated[int, Ge(0)] = 0
    context: bool = False

    blocking: ClassVar[bool] = True

    def open(self) -> SentencesRuntime:
        """A splitter that reads its embedder's tokenizer at the first call."""
        return SentencesRuntime(Fitter(self.embedder, self.max_tokens), self.overlap, self.context)


class SentencesRuntime(FittedRuntime):
    """A splitter at work."""

    def __init__(self, fitter: Fitter, overlap: int, context: bool) -> None:
        super().__init__(fitter, context)
        self._overlap = overlap

    def _split(self, document: Document) -> Iterator[Chunk]:
        naming = Naming(self._fitter, document, self._context)
        context = naming.context()
        room = self._fitter.limit - naming.length(context)
        for pieces in self._fitter.segments(document, outline_of(document)):
            parts = self._parts(pieces, _starts(document.text, pieces), room, context)
            yield from self._fitter.chunks(document, pieces, parts)

    def _parts(self, pieces: Pieces, starts: list[int], room: int, context: str) -> Iterator[Part]:
        """Runs of sentences, given by the pieces that they begin with."""
        if not self._overlap:
            for first, last in runs(pieces, starts, room):
                yield Part(first, first, last, context=context)
            return
        tokens = pieces.tokens
        at = begin = 0
        while at < len(starts) - 1:
            begin = max(begin + 1, at - self._overlap) if at else 0
            while begin < at and tokens[starts[at + 1]] - tokens[starts[begin]] > room:
                begin += 1
            end = _furthest(pieces, starts, begin, room)
            if end == at:
                begin, end = at, at + 1
                for first, last in cut(pieces, starts[at], starts[end], room):
                    yield Part(first, first, last, context=context)
            else:
                yield Part(starts[begin], starts[at], starts[end], context=context)
            at = end


def _furthest(pieces: Pieces, starts: list[int], begin: int, room: int) -> int:
    """The last sentence boundary up to which all fits from `begin` on."""
    most = pieces.tokens[starts[begin]] + room
    return bisect_right(starts, most, lo=begin, key=pieces.tokens.__getitem__) - 1


def _starts(text: str, pieces: Pieces) -> list[int]:
    """The numbers of the pieces that sentences begin with, and that of the end."""
    segment = Segment(text, pieces)
    start, end = segment.span
    starts = [segment.at(start + a) for a, _ in sentences(text[start:end])]
    return [*sorted({0, *starts}), len(pieces.ranks)] if pieces.ranks else [0]
