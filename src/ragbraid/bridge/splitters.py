"""A splitter of another framework, as a step."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from ragbraid.bridge.blame import naming
from ragbraid.bridge.parts import part_of
from ragbraid.bridge.protocol import Piece, SplitterPart
from ragbraid.bridge.values import demand_storable
from ragbraid.code import Code
from ragbraid.errors import LoadError, StepError
from ragbraid.types import Chunk, Document


@dataclass(frozen=True, slots=True)
class ForeignSplitter:
    """Cuts documents with a splitter of another framework, each chunk where it lies in the document.

    A piece is looked for behind the start of the one before. A document is refused with a `LoadError` where a
    piece isn't in its text, since the splitter changed it and no citation of it could be checked.
    """

    object: Code

    version: ClassVar[int] = 1

    def open(self) -> SplitterRuntime:
        """Make the object."""
        with naming(self.object, StepError):
            return SplitterRuntime(self.object, part_of(self.object))


class SplitterRuntime:
    """Asks the part for pieces, and places them."""

    def __init__(self, code: Code, part: SplitterPart) -> None:
        self._code = code
        self._part = part

    def __call__(self, documents: list[Document]) -> list[Chunk]:
        """The chunks of all documents, in order."""
        return [chunk for document in documents for chunk in self._chunks(document)]

    def _chunks(self, document: Document) -> Iterator[Chunk]:
        with naming(self._code, StepError):
            pieces = list(self._part.split(document))
        before = document.body
        for piece in pieces:
            start = _place(piece, document.text, before)
            if start is None:
                shown = piece.text if len(piece.text) <= 60 else f"{piece.text[:59]}…"
                raise LoadError(
                    f"{self._code.name} made a piece of {document.source} that isn't in its text: {shown!r}.",
                    "Use a splitter that leaves the text as it is.",
                )
            text = piece.text.strip()
            if text:
                start += len(piece.text) - len(piece.text.lstrip())
                demand_storable(piece.metadata, document.source)
                before = start
                yield Chunk(document.source, start, start + len(text), text, piece.metadata)


def _place(piece: Piece, text: str, before: int) -> int | None:
    if piece.start is not None and text.startswith(piece.text, piece.start):
        return piece.start
    found = text.find(piece.text, before)
    return None if found < 0 else found
