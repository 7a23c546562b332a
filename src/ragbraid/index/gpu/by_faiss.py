"""Search by FAISS on a GPU: exact, in the lists of a structure on disk, or in a graph that lies there alone.

FAISS knows no deletions there and no selection of ids: what may not be found is asked for beside what may, up
to the 2,048 hits that it gives at most, and left out. Where too few are left, the caller compares everything.
"""

from __future__ import annotations

import math
import threading
from typing import Any

import faiss
import numpy as np
import numpy.typing as npt

from ragbraid.index.rows import Ints
from ragbraid.index.scoring import scores
from ragbraid.index.structure.measure import measured
from ragbraid.index.structure.search import Structure
from ragbraid.index.vector_file import let_go
from ragbraid.types import Vectors

MOST = 2048
"""Hits and lists that FAISS looks at on a GPU."""
CLONED = ("ivf-sq8", "ivf-pq")
"""Structures whose files FAISS can search on a GPU."""
_ROUNDING = 1e-5
_LEAST = 256
_COPIED = 1 << 16
_DEGREE = 64
_EFFORTS = (64, 128, 256, 512)
_STALE = 5
"""A graph is made anew once a fifth of what it holds has come since."""

_library: Any = faiss  # its types know nothing of GPUs


class Exact:
    """The vectors of an index on the GPU, all of which are compared; see `gpu.exact.Exact`."""

    def __init__(self, dimensions: int) -> None:
        self._resources = _library.StandardGpuResources()
        self._index = _library.GpuIndexFlatIP(self._resources, dimensions)
        self._lock = threading.Lock()  # one at a time: a GPU index is for one thread

    def nearest(
        self, matrix: Vectors, queries: Vectors, k: int, bits: npt.NDArray[np.uint8] | None
    ) -> list[tuple[Ints, Vectors] | None]:
        """For each query the slots of the k nearest rows and all that tie with the last, with their scores.

        `bits` are the slots that may be found. None stands for a query where too few of those are among
        what FAISS gives.
        """
        allowed = None if bits is None else np.unpackbits(bits, count=len(matrix), bitorder="little") > 0
        width = MOST if allowed is not None or self._index.ntotal > len(matrix) else max(4 * k, _LEAST)
        with self._lock:
            for low in range(self._index.ntotal, len(matrix), _COPIED):
                self._index.add(np.ascontiguousarray(matrix[low : low + _COPIED]))
                let_go(matrix)
            width = min(width, MOST, self._index.ntotal)
            rough, found = self._index.search(np.ascontiguousarray(queries), width)
            floors = [-np.inf] * len(rough) if width == self._index.ntotal else rough[:, -1].tolist()
        return [
            self._decided(matrix, query, each, floor, k, allowed)
            for query, floor, each in zip(queries, floors, found, strict=True)
        ]

    def _decided(
        self,
        matrix: Vectors,
        query: Vectors,
        found: Ints,
        floor: float,
        k: int,
        allowed: npt.NDArray[np.bool_] | None,
    ) -> tuple[Ints, Vectors] | None:
        slots = found[(found >= 0) & (found < len(matrix))]
        slots = slots if allowed is None else slots[allowed[slots]]
        values = scores(matrix, slots, query)
        last = float(np.sort(values)[-k]) if len(values) >= k else -np.inf
        slack = _ROUNDING * max(1.0, float(np.linalg.norm(query)))
        if floor > -np.inf and floor >= last - slack:
            return None
        return slots[values >= last], values[values >= last]


class Cloned(Structure):
    """A structure whose lists were copied to the GPU; it finds what they find on the CPU."""

    def __init__(self, structure: Structure) -> None:
        options = _library.GpuClonerOptions()
        options.indicesOptions = _library.INDICES_64_BIT
        options.useFloat16 = True  # the tables of so many parts of a vector don't fit otherwise
        self._resources = _library.StandardGpuResources()
        self._one = threading.Lock()
        copies = [
            (segment, _library.index_cpu_to_gpu(self._resources, 0, index, options))
            for segment, index in structure.segments
        ]
        super().__init__(structure.state, structure.kind, copies)

    def candidates(
        self,
        queries: Vectors,
        k: int,
        bits: npt.NDArray[np.uint8] | None = None,
        share: float = 1.0,
        effort: int | None = None,
    ) -> Ints:
        """As a structure's on the CPU; those that may not be found are among them, and more for it."""
        effort = self.state.effort if effort is None else effort
        share = 1.0 if bits is None else max(share, 1e-6)
        effort = min(self.state.lists, math.ceil(effort / math.sqrt(share)), MOST)
        parameters = _library.SearchParametersIVF(nprobe=effort)
        found = []
        for segment, index in self.segments:
            width = min(self.width(k, segment) / share, segment.end - segment.first, MOST)
            with self._one:
                slots = index.search(np.ascontiguousarray(queries), math.ceil(width), params=parameters)[1]
            slots[(slots < segment.first) | (slots >= segment.end)] = -1
            found.append(slots)
        return np.concatenate(found, axis=1)


class Graph:
    """A graph over the vectors (CAGRA; Ootomo and others, 2023) in the GPU's memory alone.

    `recall` is what it was measured to find with its effort, of the ten nearest.
    """

    def __init__(self, matrix: Vectors, asked: float) -> None:
        config = _library.GpuIndexCagraConfig()
        config.graph_degree, config.intermediate_graph_degree = _DEGREE, 2 * _DEGREE
        self._resources = _library.StandardGpuResources()
        self._one = threading.Lock()
        self._index = _library.GpuIndexCagra(
            self._resources, matrix.shape[1], _library.METRIC_INNER_PRODUCT, config
        )
        self.covered = len(matrix)
        self._index.train(np.ascontiguousarray(matrix))
        self._effort, self.recall = measured(
            matrix, lambda queries, k, each: self.candidates(queries, k, effort=each), _EFFORTS, asked
        )

    def is_stale(self, count: int) -> bool:
        """Whether so much has come since that it is better made anew."""
        return count > self.covered + self.covered // _STALE

    def candidates(
        self,
        queries: Vectors,
        k: int,
        bits: npt.NDArray[np.uint8] | None = None,
        share: float = 1.0,
        effort: int | None = None,
    ) -> Ints:
        """Slots that are likely to be among the k nearest, whether they may be found or not."""
        share = 1.0 if bits is None else max(share, 1e-6)
        width = min(math.ceil(4 * k / share), max(_EFFORTS), self.covered)
        effort = max(self._effort if effort is None else effort, width)
        parameters = _library.SearchParametersCagra()
        parameters.itopk_size = math.ceil(effort / 32) * 32
        with self._one:
            found: Ints = self._index.search(np.ascontiguousarray(queries), width, params=parameters)[1]
        return found
