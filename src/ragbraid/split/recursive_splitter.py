"""The `recursive-splitter`: passages as long as allowed, cut at the strongest break there is."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, ClassVar

from annotated_types import Ge

from ragbraid.embed.protocol import Embedder
from ragbraid.split.fitting import FittedRuntime, Fitter, Part, cut
from ragbraid.split.naming import Naming
from ragbraid.split.pieces import Pieces
from ragbraid.text.markdown import outline_of
from ragbraid.types import Chunk, Document


@dataclass(frozen=True, slots=True)
class RecursiveSplitter:
    """Cuts documents at headings, paragraphs, lines, sentences or words: the strongest break that fits.

    No chunk has more than `max_tokens` of the embedder's tokens (special tokens not counted); without an
    embedder, a word counts as a token for each four bytes begun. A passage that is too long is cut at all
    its strongest breaks, and neighbours are joined again into chunks of even length; what is still too
    long is cut at the next weaker breaks, at last inside a word. Code fences and tables of Markdown are
    cut only where they don't fit. Each chunk begins with up to `overlap` tokens of the one before. With
    `context`, chunks are embedded with the document's title.

    Offsets are exact, and chunks hold no blanks at their ends. Raises `InputError` where `max_tokens` is
    more than the embedder sees of a text.
    """

    embedder: Embedder | None = None
    max_tokens: Annotated[int, Ge(8)] = 220
    overlap: Annotated[int, Ge(0)] = 0
    context: bool = False

    blocking: ClassVar[bool] = True
    version: ClassVar[int] = 2

    def __post_init__(self) -> None:
        if self.overlap > self.max_tokens // 2:
            raise ValueError(f"overlap ({self.overlap}) may be half of max_tokens ({self.max_tokens})")

    def open(self) -> RecursiveSplitterRuntime:
        """A splitter that reads its embedder's tokenizer at the first call."""
        return RecursiveSplitterRuntime(Fitter(self.embedder, self.max_tokens), self.overlap, self.context)


class RecursiveSplitterRuntime(FittedRuntime):
    """A splitter at work."""

    def __init__(self, fitter: Fitter, overlap: int, context: bool = False) -> None:
        super().__init__(fitter, context)
        self._overlap = overlap

    def _split(self, document: Document) -> Iterator[Chunk]:
        naming = Naming(self._fitter, document, self._context)
        context = naming.context()
        room = self._fitter.limit - naming.length(context)
        whole = 0 if self._overlap else room  # an overlap may begin within a line
        for pieces in self._fitter.segments(document, outline_of(document), whole):
            yield from self._fitter.chunks(document, pieces, self._parts(pieces, context, room))

    def _parts(self, pieces: Pieces, context: str, room: int) -> Iterator[Part]:
        """Each chunk's pieces, with those of the one before that it begins with."""
        before = -1
        overlap = min(self._overlap, room // 2)
        for first, last in cut(pieces, 0, len(pieces.ranks), room - overlap):
            begin = first
            if overlap and before >= 0:
                earliest = bisect_left(pieces.tokens, pieces.tokens[first] - overlap)
                begin = max(before + 1, min(earliest, first))
            before = first
            yield Part(begin, first, last, context=context)
