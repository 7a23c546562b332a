"""The contract of a splitter: passages that lie exactly where they say."""

from __future__ import annotations

from typing import Protocol

from ragbraid.types import Chunk, Document


class Splitter(Protocol):
    """Cuts documents into chunks, in document order.

    For every chunk `document.text[chunk.start:chunk.end] == chunk.text`; together the chunks cover all
    non-blank text; none is blank, and none exceeds the limit that the splitter was given.
    """

    def __call__(self, documents: list[Document]) -> list[Chunk]:
        """The chunks of all documents, in order."""
        ...
