"""The `parent-child` splitter: small passages to search, each knowing the larger one that it is from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import ClassVar

from ragbraid.split.protocol import Splitter
from ragbraid.types import Chunk, Document

PARENT = "parent"
"""The key of a chunk's metadata that holds its parent's start and end in the document."""


@dataclass(frozen=True, slots=True)
class ParentChild:
    """Cuts documents into parents, and these into the children that are searched.

    `parents` cuts the document; `children` cuts each parent as if it were a document. The chunks are the
    children: each has its parent's metadata, such as `headings`, beside its own, and the parent's place in
    the document as `parent: [start, end]`, in characters. The step `parents` turns found children into their
    parents. Offsets are exact where those of both splitters are; what a splitter does with context, headings
    and limits, it does here.
    """

    parents: Splitter
    children: Splitter

    blocking: ClassVar[bool] = True

    def __call__(self, documents: list[Document]) -> list[Chunk]:
        """The children of all documents, in order."""
        return [chunk for document in documents for chunk in self._split(document)]

    def _split(self, document: Document) -> Iterator[Chunk]:
        parents = self.parents([document])
        # The name stays at the end, since a splitter may look at what it ends in.
        named = {f"{number}/{document.source}": parent for number, parent in enumerate(parents)}
        parts = [
            replace(
                document, source=name, text=parent.text, metadata={**document.metadata, **parent.metadata},
                pages=(), warnings=(), body=0,
            )
            for name, parent in named.items()
        ]  # fmt: skip
        for child in self.children(parts):
            parent = named[child.source]
            yield replace(
                child,
                source=document.source,
                start=parent.start + child.start,
                end=parent.start + child.end,
                metadata={**child.metadata, **parent.metadata, PARENT: [parent.start, parent.end]},
            )
