"""The stored vectors as a matrix, whose embedder's they are, and what to do when they are damaged."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from sqlite3 import Connection
from typing import TYPE_CHECKING

from ragbraid.embed.protocol import Embedder
from ragbraid.errors import IndexDamaged, IndexMismatch, InputError
from ragbraid.index import reading
from ragbraid.types import Vectors

if TYPE_CHECKING:
    from ragbraid.index.prepare import Prepared
    from ragbraid.index.vector_file import VectorFile

_AGAIN = "Run `ragbraid ingest` again: it embeds what is missing; lexical search works meanwhile."


class Embedded:
    """The vectors of one index, as one embedder sees them."""

    def __init__(self, folder: Path, embedder: Embedder | None) -> None:
        self._folder, self._embedder = folder, embedder
        self._lock = threading.Lock()
        self._mapped: tuple[int, Vectors] | None = None

    def demand_embedder(self) -> Embedder:
        """The embedder. Raises `InputError` for a lexical index."""
        if self._embedder is None:
            raise InputError(
                f"The index at {self._folder} has no embedder, so it can't be searched by vector.",
                "Give it one in the pipeline file (`embedder: …`), or search lexically.",
            )
        return self._embedder

    def demand_same(self, connection: Connection) -> None:
        """Raise `IndexMismatch` where another embedder's vectors are stored, or this one's can't be."""
        stored = reading.meta(connection).get("embedder")
        if stored is None:
            return
        mine = None if self._embedder is None else self._embedder.identity
        if stored != mine:
            given = f"is {mine!r}" if mine else "gives none"
            raise IndexMismatch(
                f"The index at {self._folder} was built by the embedder {stored!r}; this pipeline's {given}.",
                "Use that one, or build a new index: `ragbraid ingest PATH --set components.index.path=NEW`.",
            )

    def demand_vectors(self, documents: Sequence[Prepared]) -> None:
        """Raise `InputError` where chunks come without vectors, or vectors without an embedder."""
        width = None if self._embedder is None else self._embedder.dimensions
        for each in documents:
            name = each.document.source
            if width is None and each.vectors is not None:
                raise InputError(
                    f"Vectors were given for {name!r}, and the index has no embedder that made them."
                )
            if width is None or not each.passages:
                continue
            if each.vectors is None:
                raise InputError(f"No vectors were given for {name!r}, and the index has an embedder.")
            if each.vectors.shape[1] != width:
                raise InputError(
                    f"The vectors of {name!r} have {each.vectors.shape[1]} dimensions; "
                    f"the embedder's have {width}."
                )

    def demand_complete(self, missing: int, total: int) -> None:
        """Raise `IndexDamaged` where rows have no vectors: dense search would pass over them in silence."""
        if missing:
            raise IndexDamaged(
                f"{missing} of {total} chunks in the index at {self._folder} have no vectors.", _AGAIN
            )

    def matrix(self, connection: Connection) -> Vectors:
        """The committed vectors by slot. Raises `IndexDamaged` where they aren't what was written.

        Here the newest block alone is checked against its sum, which finds a torn, foreign or half-copied
        file; `VectorFile.bad_blocks` checks every byte.
        """
        from ragbraid.index.vector_file import VectorFileError

        newest = reading.sound_blocks(connection, last_only=True)
        if not newest:
            import numpy as np

            return np.empty((0, self.demand_embedder().dimensions), np.float32)
        count = sum(newest[0][:2])
        with self._lock:
            if self._mapped is not None and self._mapped[0] == count:
                return self._mapped[1]
        file = self._file(connection)
        try:
            if file.bad_blocks(newest):
                raise VectorFileError("its newest block differs from its checksum")
            matrix = file.map(count)
        except VectorFileError as error:
            raise IndexDamaged(
                f"The vectors of the index at {self._folder} are damaged ({error}).", _AGAIN
            ) from error
        with self._lock:
            self._mapped = (count, matrix)
        return matrix

    def is_sound(self, connection: Connection) -> bool:
        """Whether the stored vectors can be read."""
        try:
            self.matrix(connection)
        except IndexDamaged:
            return False
        return True

    def prepare_write(self, connection: Connection) -> VectorFile | None:
        """The file to append to, after the rows of damaged blocks were marked as having no vectors."""
        from ragbraid.index import writing

        self.demand_same(connection)
        if self._embedder is None:
            return None
        if "embedder" not in reading.meta(connection):
            values = {"embedder": self._embedder.identity, "dimensions": str(self._embedder.dimensions)}
            connection.executemany("INSERT INTO meta VALUES (?, ?)", values.items())
        file = self._file(connection)
        if not self.is_sound(connection):
            writing.forget_blocks(connection, file.bad_blocks(reading.sound_blocks(connection)))
        return file

    def file(self, connection: Connection) -> VectorFile | None:
        """The vector file; None where the index never had an embedder."""
        return self._file(connection) if "embedder" in reading.meta(connection) else None

    def close(self) -> None:
        """Let go of the mapped file."""
        with self._lock:
            self._mapped = None

    def _file(self, connection: Connection) -> VectorFile:
        from ragbraid.index.vector_file import VectorFile

        meta = reading.meta(connection)
        return VectorFile(self._folder, meta["uuid"], int(meta["dimensions"]))
