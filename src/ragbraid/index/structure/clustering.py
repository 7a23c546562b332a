"""Sorts vectors of unit length into lists, each around a centroid.

By numpy's products of matrices: the library that FAISS is built with doesn't know the newest processors, on
which it takes four times as long.
"""

from __future__ import annotations

import numpy as np

from ragbraid.index.rows import Ints
from ragbraid.types import Vectors

_ROUNDS = 6
_SEED = 8
_SCORES = 1 << 23
"""So many inner products are held at a time."""


def centroids(rows: Vectors, count: int) -> Vectors:
    """The centres of `count` lists, of shape (count, dimensions), by spherical k-means.

    Dhillon and Modha, "Concept Decompositions for Large Sparse Text Data Using Clustering" (2001), section 3.
    A list that nothing is near to begins again at one of the rows.
    """
    chance = np.random.default_rng(_SEED)
    found = rows[chance.choice(len(rows), count, replace=False)]
    for _ in range(_ROUNDS):
        sums = np.zeros_like(found)
        step = _step(count)
        for first in range(0, len(rows), step):
            part = rows[first : first + step]
            lists = nearest_lists(part, found)
            order = np.argsort(lists, kind="stable")
            there, starts = np.unique(lists[order], return_index=True)
            sums[there] += np.add.reduceat(part[order], starts, axis=0)
        norms = np.linalg.norm(sums, axis=1, keepdims=True)
        empty = norms[:, 0] == 0
        sums[empty] = rows[chance.choice(len(rows), int(empty.sum()))]
        norms[empty] = np.linalg.norm(sums[empty], axis=1, keepdims=True)
        found = sums / norms
    return found


def nearest_lists(rows: Vectors, centres: Vectors) -> Ints:
    """For each row the list whose centre has the greatest inner product with it."""
    step = _step(len(centres))
    parts = [(rows[first : first + step] @ centres.T).argmax(axis=1) for first in range(0, len(rows), step)]
    return np.concatenate(parts).astype(np.int64, copy=False)


def _step(count: int) -> int:
    return max(1, _SCORES // count)
