"""How much of what exact search finds a structure finds, and how much effort that takes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ragbraid.index.rows import Ints
from ragbraid.index.vector_file import let_go, picked
from ragbraid.types import Vectors

K = 10
SAMPLE = 256
_SAFETY = 0.005
"""What is demanded beyond the recall asked for: a sample may flatter."""
_SEED = 20_261
_BLOCK = 16_384

Search = Callable[[Vectors, int, int], Ints]
"""Queries, k and an effort → candidate slots, a row for each query."""


def measured(matrix: Vectors, search: Search, efforts: tuple[int, ...], asked: float) -> tuple[int, float]:
    """The least effort that gives the recall asked for, else the greatest, and the recall it gives.

    The queries are vectors of the index's own, each of which doesn't count as its own neighbour.
    """
    chosen = np.sort(
        np.random.default_rng(_SEED).choice(len(matrix), min(SAMPLE, len(matrix)), replace=False)
    )
    queries = picked(matrix, chosen)
    least = _tenth(matrix, queries)
    recall, effort = 0.0, efforts[0]
    for effort in efforts:
        recall = _recall(matrix, queries, chosen, least, search(queries, K + 1, effort))
        if recall >= min(asked + _SAFETY, 1.0):
            break
    return effort, recall


def _tenth(matrix: Vectors, queries: Vectors) -> Vectors:
    """The score of each query's tenth neighbour."""
    best = np.full((len(queries), K + 1), -np.inf, np.float32)
    for first in range(0, len(matrix), _BLOCK):
        scores = queries @ matrix[first : first + _BLOCK].T  # numpy's, as in `clustering`
        let_go(matrix)
        every = np.concatenate([best, scores], axis=1)
        best = np.partition(every, every.shape[1] - K - 1, axis=1)[:, -K - 1 :]
    tenth: Vectors = best.min(axis=1)  # it finds itself, too
    return tenth


def _recall(matrix: Vectors, queries: Vectors, own: Ints, least: Vectors, found: Ints) -> float:
    """The share of the ten nearest that is found; whatever scores as high as the tenth is one of them."""
    right = 0
    for query, mine, bound, slots in zip(queries, own, least, found, strict=True):
        others = np.sort(slots[(slots >= 0) & (slots != mine)])
        right += min(K, int(np.count_nonzero(picked(matrix, others) @ query >= bound - 1e-6)))
    return right / (K * len(queries))
