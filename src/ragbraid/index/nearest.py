"""Nearest neighbours over the mapped vectors, scored exactly, in an order that never changes.

Where few vectors may be found they are compared one by one. Otherwise a structure names candidates among
those that it covers, and what came since is compared one by one.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol, TypeAlias

import faiss
import numpy as np
import numpy.typing as npt

from ragbraid.index.rows import Ints, Rows, bitmap
from ragbraid.index.scoring import scores
from ragbraid.types import Vectors

Bits: TypeAlias = npt.NDArray[np.uint8]
"""Slots that may be found, the lowest of each byte first."""

_MARGIN = 8
"""Candidates beyond k, so that a tie at the end is seen without a second pass."""
_ROUNDING = 1e-5
"""No float32 inner product of unit vectors is further than this from the exact one."""
_GATHER = 50
"""Where fewer than one slot in so many is allowed, these rows are copied out and compared alone."""
_ONE_BY_ONE = 4
"""Up to so many queries are compared with vectors where they lie, rather than with copies of them."""
_FEW = 50_000
"""So many allowed vectors are compared one by one, whatever structure there is."""


class Candidates(Protocol):
    """A structure: it names slots that are likely to be near."""

    @property
    def covered(self) -> int:
        """The slots below this one are in it."""
        ...

    def candidates(self, queries: Vectors, k: int, bits: Bits | None = ..., share: float = ...) -> Ints:
        """For each query a row of slots, -1 where there are no more; see `structure.search.Structure`."""
        ...


class Comparing(Protocol):
    """What compares all vectors elsewhere; see `gpu.exact.Exact`."""

    def nearest(
        self, matrix: Vectors, queries: Vectors, k: int, bits: Bits | None
    ) -> list[tuple[Ints, Vectors] | None]:
        """For each query the k nearest slots, and those that tie with the last, with exact scores."""
        ...


def nearest(
    matrix: Vectors,
    rows: Rows,
    queries: Vectors,
    k: int,
    allowed: Ints | None = None,
    structure: Candidates | None = None,
    gpu: Comparing | None = None,
) -> list[dict[int, float]]:
    """For each query the best rows with their scores: k of them, and all that tie with the last.

    On a `gpu` everything is compared; without one, a `structure` names what is. `allowed` are the rows that
    may be found, in ascending order. Scores don't depend on how many queries were asked at once, nor on
    the processor: see `scoring.scores`.
    """
    slots = rows.live() if allowed is None else rows.slots_of(allowed)
    if gpu is not None and len(slots):
        return _on_gpu(matrix, rows, queries, k, allowed, slots, gpu)
    if structure is None or len(slots) <= _FEW:
        return _exactly(matrix, rows, queries, k, allowed, slots)
    found = _structured(matrix, rows, queries, k, allowed, slots, structure)
    # k hits come back whenever k rows may be found, however few of them a structure sees.
    short = [place for place, each in enumerate(found) if len(each) < min(k, len(slots))]
    if short:
        again = _exactly(matrix, rows, queries[short], k, allowed, slots)
        for place, each in zip(short, again, strict=True):
            found[place] = each
    return found


def _exactly(
    matrix: Vectors, rows: Rows, queries: Vectors, k: int, allowed: Ints | None, slots: Ints
) -> list[dict[int, float]]:
    if not len(slots):
        return [{} for _ in queries]
    search = _Candidates(matrix, slots)
    norms = np.linalg.norm(queries, axis=1)
    results: list[dict[int, float]] = [{} for _ in queries]
    open_, width = np.arange(len(queries)), min(k + _MARGIN, len(slots))
    while len(open_):
        found, floor = search(queries[open_], width)
        undecided = []
        for query, candidates, lowest in zip(open_, found, floor, strict=True):
            values = scores(matrix, candidates, queries[query])
            results[query], last = _best(rows, candidates, values, k, allowed)
            if width < len(slots) and lowest >= last - _ROUNDING * max(1.0, norms[query]):
                undecided.append(query)
        open_, width = np.array(undecided, np.int64), min(width * 4, len(slots))
    return results


def _on_gpu(
    matrix: Vectors,
    rows: Rows,
    queries: Vectors,
    k: int,
    allowed: Ints | None,
    slots: Ints,
    gpu: Comparing,
) -> list[dict[int, float]]:
    bits = None
    if len(slots) < len(matrix):
        bits = rows.bitmap(len(matrix)) if allowed is None else bitmap(slots, len(matrix))
    found = gpu.nearest(matrix, queries, k, bits)
    results = [{} if each is None else _best(rows, *each, k, allowed)[0] for each in found]
    open_ = [place for place, each in enumerate(found) if each is None]
    again = _exactly(matrix, rows, queries[open_], k, allowed, slots) if open_ else []
    for place, scored in zip(open_, again, strict=True):
        results[place] = scored
    return results


def _structured(
    matrix: Vectors,
    rows: Rows,
    queries: Vectors,
    k: int,
    allowed: Ints | None,
    slots: Ints,
    structure: Candidates,
) -> list[dict[int, float]]:
    covered = min(structure.covered, len(matrix))
    inside = int(np.searchsorted(slots, covered))
    bits = None
    if inside < covered:
        bits = rows.bitmap(structure.covered) if allowed is None else bitmap(slots, structure.covered)
    found = structure.candidates(queries, k, bits, max(inside, 1) / covered)
    found[found >= covered] = -1  # it may be newer than the state that is read
    later = slots[inside:]  # ascending, and few: a writer gives them a segment when there are more
    if len(later):
        beyond, _ = _Candidates(matrix, later)(queries, min(k + _MARGIN, len(later)))
        found = np.concatenate([found, beyond], axis=1)
    results = []
    for query, candidates in zip(queries, found, strict=True):
        chosen = candidates[candidates >= 0]
        results.append(_best(rows, chosen, scores(matrix, chosen, query), k, allowed)[0])
    return results


class _Candidates:
    """Finds the slots with the highest inner products, roughly scored."""

    def __init__(self, matrix: Vectors, slots: Ints) -> None:
        self._matrix, self._slots = matrix.view(np.ndarray), slots

    def __call__(self, queries: Vectors, width: int) -> tuple[Ints, Vectors]:
        """For each query `width` slots, and the lowest score among them."""
        queries = np.ascontiguousarray(queries)
        if len(self._slots) < len(self._matrix):
            if len(queries) <= _ONE_BY_ONE:
                return self._picked(queries, width)
            if len(self._slots) * _GATHER < len(self._matrix):
                found, floor = _searched(queries, self._matrix[self._slots], width)
                return self._slots[found], floor
            bits = bitmap(self._slots, len(self._matrix))
            return _searched(queries, self._matrix, width, faiss.IDSelectorBitmap(bits))  # type: ignore[call-arg, arg-type]
        return _searched(queries, self._matrix, width)

    def _picked(self, queries: Vectors, width: int) -> tuple[Ints, Vectors]:
        """Compared where they lie: copying them out takes three times as long."""
        scores = np.empty((len(queries), len(self._slots)), np.float32)
        slots = np.ascontiguousarray(self._slots)
        with _one_thread():
            for query, row in zip(queries, scores, strict=True):
                pointers = (faiss.swig_ptr(each) for each in (row, query, self._matrix, slots))
                library: Any = faiss  # its types don't know of this
                library.fvec_inner_products_by_idx(*pointers, self._matrix.shape[1], 1, len(slots))
        best = np.argpartition(scores, scores.shape[1] - width, axis=1)[:, -width:]
        return slots[best], np.take_along_axis(scores, best, axis=1).min(axis=1)


def _searched(queries: Vectors, matrix: Vectors, width: int, selector: Any = None) -> tuple[Ints, Vectors]:
    scores = np.empty((len(queries), width), np.float32)
    found = np.empty((len(queries), width), np.int64)
    pointers = (faiss.swig_ptr(each) for each in (queries, matrix))
    size = (matrix.shape[1], len(queries), len(matrix), width)
    # Without a selector FAISS splits even one question over threads, which took four times as long.
    if selector is None and len(queries) < faiss.cvar.distance_compute_blas_threshold:
        selector = faiss.IDSelectorAll()
    chosen = () if selector is None else (selector,)
    faiss.knn_inner_product(*pointers, *size, faiss.swig_ptr(scores), faiss.swig_ptr(found), *chosen)  # type: ignore[call-arg]
    return found, scores[:, -1]


@contextmanager
def _one_thread() -> Iterator[None]:
    """Have FAISS use this thread alone, which otherwise waits for others that have nothing to do."""
    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1)
    try:
        yield
    finally:
        faiss.omp_set_num_threads(before)


def _best(
    rows: Rows, slots: Ints, scores: Vectors, k: int, allowed: Ints | None
) -> tuple[dict[int, float], float]:
    """Rows of these slots down to the k-th score, and that score."""
    found, which = rows.at_slots(slots)
    if allowed is not None:
        places = np.minimum(np.searchsorted(allowed, found), len(allowed) - 1)
        visible = allowed[places] == found
        found, which = found[visible], which[visible]
    values = scores[which]
    last = -np.inf if len(values) < k else np.partition(values, len(values) - k)[len(values) - k]
    keep = values >= last
    return dict(zip(found[keep].tolist(), values[keep].tolist(), strict=True)), float(last)
