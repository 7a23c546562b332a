"""Vectors for texts, each embedded at most once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from ragbraid.context import Context
from ragbraid.embed.protocol import Embedder
from ragbraid.errors import InputError
from ragbraid.index.protocol import Entry, Index
from ragbraid.ingest.memory import give_back
from ragbraid.ingest.windows import Texts, texts_for
from ragbraid.types import Chunk, Document, Vectors

TEXTS_PER_CALL = 512
"""Keeps a huge document's memory bounded and a cancelled run prompt."""


class Embedding:
    """The vectors of what isn't committed yet: from the index where it knows them, else embedded now."""

    def __init__(self, index: Index, context: Context) -> None:
        self._index = index
        self._context = context
        self._vectors: dict[str, Any] = {}
        self._texts: Texts | None = None
        self.embedded = 0
        """How many texts were embedded so far."""

    def learn(self, parts: Iterable[tuple[Document, Sequence[Chunk]]]) -> None:
        """Make sure that the vector of every chunk of these documents is at hand."""
        embedder = self._index.embedder
        texts = [text for part in parts for text in self._texts_of(*part)]
        unseen = [each for each in dict.fromkeys(texts) if each not in self._vectors]
        if embedder is None or not unseen:
            return
        known = self._index.known_vectors(unseen)
        self._vectors.update((unseen[at], vector) for at, vector in known.items())
        missing = [text for at, text in enumerate(unseen) if at not in known]
        for first in range(0, len(missing), TEXTS_PER_CALL):
            self._embed(embedder, missing[first : first + TEXTS_PER_CALL])

    def entry(self, document: Document, chunks: Sequence[Chunk]) -> Entry:
        """A document with its chunks as they are committed; what is embedded of them was learnt."""
        texts = self._texts_of(document, chunks)
        return Entry(document, chunks, self._rows(texts), texts)

    def _texts_of(self, document: Document, chunks: Sequence[Chunk]) -> list[str]:
        if self._texts is None:
            self._texts = texts_for(self._index.embedder)
        return self._texts(document, chunks)

    def _rows(self, texts: Sequence[str]) -> Vectors | None:
        """The vectors of texts that were learnt, one row each; None without an embedder."""
        import numpy as np

        embedder = self._index.embedder
        if embedder is None:
            return None
        rows = np.empty((len(texts), embedder.dimensions), dtype=np.float32)
        for row, text in zip(rows, texts, strict=True):
            row[:] = self._vectors[text]
        return rows

    def forget(self) -> None:
        """Drop the vectors at hand, once the index has them, and give back what a commit took of memory."""
        self._vectors.clear()
        give_back()

    def _embed(self, embedder: Embedder, texts: list[str]) -> None:
        self._context.check()
        vectors = embedder.embed(texts, "passage")
        if vectors.shape != (len(texts), embedder.dimensions):
            raise InputError(f"The embedder gave vectors of shape {vectors.shape} for {len(texts)} texts.")
        self._vectors.update(zip(texts, vectors, strict=True))
        self.embedded += len(texts)
