"""The sparse vectors of one index, as one embedder sees them: made for what is stored, and searched."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from sqlite3 import Connection
from typing import TYPE_CHECKING

from ragbraid.embed.protocol import SparseEmbedder
from ragbraid.errors import IndexDamaged, IndexMismatch, InputError
from ragbraid.index.checks import text_hash
from ragbraid.index.sparse import store
from ragbraid.text.context import in_context
from ragbraid.text.counted import counted

if TYPE_CHECKING:
    from ragbraid.embed.protocol import SparseVector
    from ragbraid.index.derived import Derived
    from ragbraid.index.prepare import Passage
    from ragbraid.index.rows import Ints, Rows

_AT_ONCE = 256
"""Texts between two calls of the embedder."""


class Sparse:
    """Vectors of chunks' texts, with the words above them, by one embedder; or none."""

    def __init__(self, folder: Path, embedder: SparseEmbedder | None) -> None:
        self._folder = folder
        self.embedder = embedder

    def demand_own(self, connection: Connection) -> None:
        """Raise `IndexMismatch` where another embedder's vectors are stored."""
        of = store.identity(connection)
        if self.embedder is not None and of not in (None, self.embedder.identity):
            raise IndexMismatch(
                f"The index at {self._folder} keeps the sparse vectors of {of!r}; this pipeline's `sparse` "
                f"is {self.embedder.identity!r}.",
                "Use that one, or build a new index: `ragbraid ingest PATH --set components.index.path=NEW`.",
            )

    def known(self, connection: Connection, passages: Sequence[Passage]) -> dict[bytes, store.Packed]:
        """The vectors that are stored for texts of these passages, by their hashes."""
        self.demand_own(connection)
        return store.known(connection, list({_hash(each) for each in passages}))

    def made(
        self, passages: Sequence[Passage], known: Mapping[bytes, store.Packed]
    ) -> dict[bytes, store.Packed]:
        """The vectors of all the passages by the hashes of their texts: known ones, and new ones."""
        if self.embedder is None:
            return {}
        found = dict(known)
        texts = {_hash(each): in_context(each.context, each.text) for each in passages}
        missing = [each for each in texts if each not in found]
        for low in range(0, len(missing), _AT_ONCE):
            some = missing[low : low + _AT_ONCE]
            vectors = self.embedder.embed_sparse([texts[each] for each in some])
            found.update(
                (each, store.packed(vector, repr(texts[each][:40])))
                for each, vector in zip(some, vectors, strict=True)
            )
        return found

    def keep(
        self,
        connection: Connection,
        rows: Sequence[int],
        passages: Sequence[Passage],
        made: Mapping[bytes, store.Packed],
    ) -> None:
        """Store the vectors of passages in these rows, in the caller's transaction."""
        if self.embedder is not None:
            self.demand_own(connection)
            hashes = {row: _hash(each) for row, each in zip(rows, passages, strict=True)}
            store.add(connection, self.embedder.identity, hashes, made)

    def search(
        self,
        connection: Connection,
        part: Derived,
        rows: Rows,
        queries: Sequence[SparseVector],
        k: int,
        allowed: Callable[[], Ints] | None,
    ) -> list[dict[int, float]]:
        """The best of `rows` for each question; see `Impacts.search`."""
        if self.embedder is None:
            raise InputError(
                f"The index at {self._folder} keeps no sparse vectors.",
                "Give it a sparse embedder (`sparse: …`) and ingest again.",
            )
        self.demand_own(connection)
        for each in queries:
            store.packed(each, "the question")
        return part.impacts.search(connection, rows, queries, k, allowed, self._demand_complete)

    def _demand_complete(self, missing: int, total: int) -> None:
        if missing:
            raise IndexDamaged(
                f"The index at {self._folder} has {counted(missing, 'chunk')} without a sparse vector, of "
                f"{total}.",
                "Run `ragbraid ingest` again: it makes what is missing; other searches work meanwhile.",
            )


def _hash(passage: Passage) -> bytes:
    return text_hash(in_context(passage.context, passage.text))
