"""What one index has on a GPU: made when it is first searched there, and again after a compaction."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from ragbraid.errors import IndexStoreError
from ragbraid.index.gpu.choice import Found, chosen
from ragbraid.index.nearest import Candidates, Comparing, nearest
from ragbraid.index.rows import Ints, Rows
from ragbraid.index.structure.names import SMALL, Device
from ragbraid.types import Vectors

if TYPE_CHECKING:
    from ragbraid.index.structure.search import Structure


class OnGpu:
    """Searches on a GPU where `device` and `gpu.choice` have it so, else on the CPU; shared by threads."""

    def __init__(self, device: Device, structure: str, recall: float) -> None:
        self._device, self._name, self._recall = device, structure, recall
        self._lock = threading.Lock()
        self._file = 0
        self._made: dict[str, Any] = {}
        self._failed = False

    def nearest(
        self,
        file: int,
        matrix: Vectors,
        rows: Rows,
        queries: Vectors,
        k: int,
        allowed: Ints | None,
        structure: Structure | None,
    ) -> list[dict[int, float]]:
        """As `nearest.nearest` does, over the vectors in the file of this number.

        Raises `IndexStoreError` where a GPU is asked for that there isn't, or that fails; where none is asked
        for, one that fails is left alone from then on.
        """
        place = chosen(self._device, self._name, len(matrix))
        if place.by == "cpu" or self._failed or not len(matrix):
            return nearest(matrix, rows, queries, k, allowed, structure)
        try:
            comparing, candidates = self._ready(place, file, matrix, structure)
            return nearest(matrix, rows, queries, k, allowed, candidates, comparing)
        except RuntimeError as error:  # out of memory, in torch as in FAISS
            self.close()
            if self._device == "cuda":
                said = (str(error).splitlines() or [type(error).__name__])[0]
                raise IndexStoreError(
                    f"The GPU failed while it was searched ({said}).",
                    "Free some of its memory, or set `device: cpu`.",
                ) from error
            self._failed = True
        return nearest(matrix, rows, queries, k, allowed, structure)

    def close(self) -> None:
        """Let go of the GPU's memory."""
        with self._lock:
            self._made = {}

    def _ready(
        self, place: Found, file: int, matrix: Vectors, structure: Structure | None
    ) -> tuple[Comparing | None, Candidates | None]:
        """What compares everything there, or else what names candidates."""
        with self._lock:
            if file != self._file:
                self._file, self._made = file, {}
            if place.graphs and self._name == "cagra" and len(matrix) >= SMALL:
                graph = self._graph(matrix)
                if graph.recall >= self._recall:
                    return None, graph
            if place.by == "faiss" and structure is not None and self._cloned(structure):
                return None, self._made["clone"][1]
            if "exact" not in self._made:
                self._made["exact"] = _exact(place, matrix.shape[1])
            return self._made["exact"], None

    def _graph(self, matrix: Vectors) -> Any:
        from ragbraid.index.gpu.by_faiss import Graph

        if "graph" not in self._made or self._made["graph"].is_stale(len(matrix)):
            self._made.pop("graph", None)
            self._made["graph"] = Graph(matrix, self._recall)
        return self._made["graph"]

    def _cloned(self, structure: Structure) -> bool:
        """Whether the structure that the file asks for is on the GPU; `auto` is exact there."""
        from ragbraid.index.gpu.by_faiss import CLONED, Cloned

        if self._name not in CLONED or structure.state.kind != self._name:
            return False
        if self._made.get("clone", (None,))[0] is not structure:
            self._made["clone"] = (structure, Cloned(structure))
        return True


def _exact(place: Found, dimensions: int) -> Comparing:
    if place.by == "faiss":
        from ragbraid.index.gpu import by_faiss

        return by_faiss.Exact(dimensions)
    from ragbraid.index.gpu.exact import Exact

    return Exact(place.place, dimensions, half=place.place.startswith("cuda"))
