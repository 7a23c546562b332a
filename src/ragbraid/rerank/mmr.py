"""Hits that are good and unlike each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

from annotated_types import Ge, Le

from ragbraid.hits import rescored
from ragbraid.index.protocol import Index
from ragbraid.rerank.vectors import vectors_of
from ragbraid.types import Hit


@dataclass(frozen=True, slots=True)
class Mmr:
    """Ranks hits by what each adds to those before it: maximal marginal relevance.

    One by one the hit is taken whose worth is highest: `relevance` times the score that it came with, from 0
    for the least to 1 for the best of the first `max(k, candidates)`, less the rest times its cosine to the
    nearest hit already taken. With 1 the order stays, with 0 only variety counts. The vectors are the
    `index`'s own, so no model is asked. Later hits are dropped. Source: Carbonell & Goldstein, The use of
    MMR, SIGIR 1998. Raises `IndexStoreError` where the index has no vectors.
    """

    index: Index
    relevance: Annotated[float, Ge(0), Le(1)] = 0.7
    candidates: Annotated[int, Ge(1)] = 30

    blocking: ClassVar[bool] = True

    def __call__(self, hits: list[Hit], k: int) -> list[Hit]:
        """The first hits in their new order, each with its worth under `mmr`; ties by id."""
        import numpy as np

        pool = sorted(hits[: max(k, self.candidates)], key=lambda hit: hit.id)
        if not pool:
            return []
        held = vectors_of(self.index, pool, "`near-duplicates`, which goes by words")
        scores = np.array([hit.score for hit in pool])
        spread = float(np.ptp(scores)) or 1.0
        worth = self.relevance * (scores - scores.min()) / spread
        nearest, left = np.zeros(len(pool)), np.ones(len(pool), bool)
        order, values = [], []
        for _ in pool:
            now = np.where(left, worth - (1 - self.relevance) * nearest, -np.inf)
            best = int(now.argmax())
            order.append(pool[best])
            values.append(float(now[best]))
            left[best] = False
            nearest = np.maximum(nearest, held @ held[best])
        return rescored(order, "mmr", values)
