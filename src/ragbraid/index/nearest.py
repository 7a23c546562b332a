"""Exact nearest neighbours over the mapped vectors, with FAISS, in an order that never changes."""

from __future__ import annotations

from typing import Any

import faiss
import numpy as np

from ragbraid.index.rows import Ints, Mask, Rows, distinct
from ragbraid.types import Vectors

_MARGIN = 8
"""Candidates beyond k, so that a tie at the end is seen without a second pass."""
_ROUNDING = 1e-5
"""No float32 inner product of unit vectors is further than this from the exact one."""
_GATHER = 50
"""Where fewer than one slot in so many is allowed, these rows are copied out and compared alone."""


def nearest(
    matrix: Vectors, rows: Rows, queries: Vectors, k: int, allowed: Mask | None
) -> list[dict[int, float]]:
    """For each query the best rows with their scores: k of them, and all that tie with the last.

    Scores are float32 of the inner product in float64, so that they don't depend on how many queries
    were asked at once, nor on the processor.
    """
    slots = rows.live if allowed is None else distinct(rows.slots_sorted[allowed[rows.by_slot]])
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
            scores = _exact(matrix, candidates, queries[query])
            results[query], last = _best(rows, candidates, scores, k, allowed)
            if width < len(slots) and lowest >= last - _ROUNDING * max(1.0, norms[query]):
                undecided.append(query)
        open_, width = np.array(undecided, np.int64), min(width * 4, len(slots))
    return results


class _Candidates:
    """Finds the slots with the highest inner products, roughly scored."""

    def __init__(self, matrix: Vectors, slots: Ints) -> None:
        self._slots = slots
        self._gathered = len(slots) * _GATHER < len(matrix)
        self._matrix = matrix[slots] if self._gathered else matrix
        self._selector: Any = None
        if not self._gathered and len(slots) < len(matrix):
            mask = np.zeros(len(matrix), bool)
            mask[slots] = True
            self._bits = np.packbits(mask, bitorder="little")
            self._selector = faiss.IDSelectorBitmap(self._bits)  # type: ignore[call-arg, arg-type]

    def __call__(self, queries: Vectors, width: int) -> tuple[Ints, Vectors]:
        queries = np.ascontiguousarray(queries)
        scores = np.empty((len(queries), width), np.float32)
        found = np.empty((len(queries), width), np.int64)
        pointers = (faiss.swig_ptr(each) for each in (queries, self._matrix))
        size = (self._matrix.shape[1], len(queries), len(self._matrix), width)
        result = (faiss.swig_ptr(scores), faiss.swig_ptr(found))
        # Without a selector FAISS splits even one question over threads, which took four times as long.
        few = len(queries) < faiss.cvar.distance_compute_blas_threshold
        selector = self._selector or (faiss.IDSelectorAll() if few else None)
        chosen = () if selector is None else (selector,)
        faiss.knn_inner_product(*pointers, *size, *result, *chosen)  # type: ignore[call-arg]
        return (self._slots[found] if self._gathered else found), scores[:, -1]


def _exact(matrix: Vectors, slots: Ints, query: Vectors) -> Vectors:
    # einsum sums each row alike, however many there are; a matrix product doesn't.
    products = np.einsum("ij,j->i", matrix[slots].astype(np.float64), query.astype(np.float64))
    scores: Vectors = products.astype(np.float32)
    return scores


def _best(
    rows: Rows, slots: Ints, scores: Vectors, k: int, allowed: Mask | None
) -> tuple[dict[int, float], float]:
    """Rows of these slots down to the k-th score, and that score."""
    positions, which = rows.at_slots(slots)
    if allowed is not None:
        visible = allowed[positions]
        positions, which = positions[visible], which[visible]
    values = scores[which]
    last = -np.inf if len(values) < k else np.partition(values, len(values) - k)[len(values) - k]
    keep = values >= last
    found = zip(rows.rows[positions[keep]].tolist(), values[keep].tolist(), strict=True)
    return dict(found), float(last)
