"""The stored vectors as a matrix, whose embedder's they are, and what to do when they are damaged."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from sqlite3 import Connection
from typing import TYPE_CHECKING

from ragbraid.embed.protocol import Embedder
from ragbraid.errors import IndexDamaged, IndexMismatch, InputError
from ragbraid.index import reading, vector_sets
from ragbraid.index.structure.names import SMALL, Device
from ragbraid.index.vector_sets import VectorSet
from ragbraid.text.counted import counted
from ragbraid.types import Vectors

if TYPE_CHECKING:
    from ragbraid.index.gpu.held import OnGpu
    from ragbraid.index.rows import Ints, Rows
    from ragbraid.index.structure.held import Held
    from ragbraid.index.structure.search import Structure
    from ragbraid.index.vector_file import VectorFile

_AGAIN = "Run `ragbraid ingest` again: it embeds what is missing; lexical search works meanwhile."


class Embedded:
    """The vectors of one index, as one embedder sees them."""

    def __init__(
        self, folder: Path, embedder: Embedder | None, structure: str, recall: float, device: Device
    ) -> None:
        self._folder, self._embedder = folder, embedder
        self._name, self._recall, self._device = structure, recall, device
        self._gpu: OnGpu | None = None
        self._held: tuple[int, Held] | None = None
        self._lock = threading.Lock()
        self._mapped: tuple[int, int, Vectors] | None = None

    def demand_embedder(self) -> Embedder:
        """The embedder. Raises `InputError` for a lexical index."""
        if self._embedder is None:
            raise InputError(
                f"The index at {self._folder} has no embedder, so it can't be searched by vector.",
                "Give it one in the pipeline file (`embedder: …`), or search lexically.",
            )
        return self._embedder

    def own(self, connection: Connection) -> VectorSet | None:
        """The vectors that this embedder made; None where no embedder's are stored.

        Raises `IndexMismatch` where there are others' alone, or this one's can't be searched yet.
        """
        mine = None if self._embedder is None else self._embedder.identity
        held = vector_sets.every(connection)
        found = next((each for each in held if each.embedder == mine and each.role != "next"), None)
        if (found is None and held) or (found is not None and self._is_behind(connection, found)):
            raise self._mismatch(connection, mine)
        return found

    def demand_current(self, connection: Connection) -> VectorSet | None:
        """As `own`, for whoever writes: raises `IndexMismatch` where another embedder has taken over, too."""
        found = self.own(connection)
        if found is not None and found.role != "current":
            raise self._mismatch(connection, found.embedder)
        return found

    def _is_behind(self, connection: Connection, held: VectorSet) -> bool:
        """Whether there are chunks that only a later embedder has a vector of."""
        return held.role == "former" and vector_sets.beyond(connection, held) > 0

    def _mismatch(self, connection: Connection, mine: str | None) -> IndexMismatch:
        stored = vector_sets.current(connection)
        given = f"is {mine!r}" if mine else "gives none"
        return IndexMismatch(
            f"The index at {self._folder} was built by the embedder {stored.embedder if stored else None!r}; "
            f"this pipeline's {given}.",
            "Use that one, or `ragbraid index migrate` to embed anew what is stored, or build a new index: "
            "`ragbraid ingest PATH --set components.index.path=NEW`.",
        )

    def demand_complete(self, missing: int, total: int) -> None:
        """Raise `IndexDamaged` where rows have no vectors: dense search would pass over them in silence."""
        if missing:
            raise IndexDamaged(
                f"The index at {self._folder} has {counted(missing, 'chunk')} without a vector, of {total}.",
                _AGAIN,
            )

    def matrix(self, connection: Connection, held: VectorSet | None) -> Vectors:
        """The committed vectors of a set by slot. Raises `IndexDamaged` where they aren't what was written.

        Here the newest block alone is checked against its sum, which finds a torn, foreign or half-copied
        file; `VectorFile.bad_blocks` checks every byte.
        """
        from ragbraid.index.vector_file import VectorFileError

        newest = [] if held is None else vector_sets.sound_blocks(connection, held.number, last_only=True)
        if held is None or not newest:
            import numpy as np

            return np.empty((0, self.demand_embedder().dimensions), np.float32)
        count = sum(newest[0][:2])
        with self._lock:
            if self._mapped is not None and self._mapped[:2] == (held.file, count):
                return self._mapped[2]
        file = held.opened(connection, self._folder)
        try:
            if file.bad_blocks(newest):
                raise VectorFileError("its newest block differs from its checksum")
            matrix = file.map(count)
        except VectorFileError as error:
            raise IndexDamaged(
                f"The vectors of the index at {self._folder} are damaged ({error}).", _AGAIN
            ) from error
        with self._lock:
            self._mapped = (held.file, count, matrix)
        return matrix

    def structure(self, connection: Connection, held: VectorSet | None, count: int) -> Structure | None:
        """What names candidates among the first `count` slots; None where all are compared."""
        from ragbraid.index.structure.held import Held

        if held is None:
            return None
        with self._lock:
            if self._held is None or self._held[0] != held.file:
                self._held = (held.file, Held(self._folder / held.structure))
            opened = self._held[1]
        uuid = reading.meta(connection)["uuid"]
        return opened.current(uuid, count, held.dimensions, self._sums(connection, held))

    def nearest(
        self,
        connection: Connection,
        held: VectorSet | None,
        rows: Rows,
        queries: Vectors,
        k: int,
        allowed: Ints | None,
    ) -> list[dict[int, float]]:
        """The best of `rows` for each query by the vectors of a set; see `nearest.nearest`."""
        from ragbraid.index.nearest import nearest

        matrix = self.matrix(connection, held)
        structure = self.structure(connection, held, len(matrix))
        if held is None or self._device == "cpu":
            return nearest(matrix, rows, queries, k, allowed, structure)
        with self._lock:
            if self._gpu is None:
                from ragbraid.index.gpu.held import OnGpu

                self._gpu = OnGpu(self._device, self._name, self._recall)
        return self._gpu.nearest(held.file, matrix, rows, queries, k, allowed, structure)

    def catch_up(self, connection: Connection) -> None:
        """Bring the structure up to the vectors; the caller holds the writer's lock."""
        held = vector_sets.current(connection)
        if self._embedder is not None and held is not None and self.is_sound(connection):
            self.build(connection, held, self.matrix(connection, held))

    def build(self, connection: Connection, held: VectorSet, matrix: Vectors) -> None:
        """Bring the structure over a set up to its vectors; the caller holds the writer's lock."""
        if len(matrix) < SMALL:
            return  # what fewer are kept by doesn't have to load FAISS
        from ragbraid.index.structure.building import caught_up

        uuid, sums = reading.meta(connection)["uuid"], self._sums(connection, held)
        caught_up(self._folder / held.structure, uuid, self._name, self._recall, matrix, sums)

    def is_sound(self, connection: Connection) -> bool:
        """Whether the current vectors can be read."""
        try:
            self.matrix(connection, vector_sets.current(connection))
        except IndexDamaged:
            return False
        return True

    def prepare_write(self, connection: Connection) -> tuple[VectorSet, VectorFile] | None:
        """The file to append to, after the rows of damaged blocks were marked as having no vectors."""
        from ragbraid.index import writing

        held = self.demand_current(connection)
        if self._embedder is None:
            return None
        if held is None:
            identity, dimensions = self._embedder.identity, self._embedder.dimensions
            held = vector_sets.begin(connection, identity, dimensions, "current")
        file = held.opened(connection, self._folder)
        if not self.is_sound(connection):
            bad = file.bad_blocks(vector_sets.sound_blocks(connection, held.number))
            writing.forget_blocks(connection, held.number, bad)
        return held, file

    def close(self) -> None:
        """Let go of the mapped file."""
        with self._lock:
            self._mapped = None
            if self._held is not None:
                self._held[1].close()
            if self._gpu is not None:
                self._gpu.close()

    def _sums(self, connection: Connection, held: VectorSet) -> Callable[[int], int]:
        return lambda end: vector_sets.blocks_sum(connection, held.number, end)
