"""Fusion of several rankings by reciprocal ranks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge

from ragbraid.rerank.fusion import first_of_each, fused
from ragbraid.types import Hit


@dataclass(frozen=True, slots=True)
class Rrf:
    """Fuses several lists of hits into one: a hit's score is the sum of 1 / (constant + rank).

    Ranks count from 1. Every hit of any list is kept, with the scores of all its stages and its own under
    `rrf`; ties are ordered by id. Source: Cormack, Clarke & Büttcher, SIGIR 2009.
    """

    constant: Annotated[int, Ge(1)] = 60

    def __call__(self, hits: list[list[Hit]]) -> list[Hit]:
        """One ranking of all hits."""
        totals: dict[str, float] = {}
        for ranking in hits:
            for rank, name in enumerate(first_of_each(ranking), start=1):
                totals[name] = totals.get(name, 0.0) + 1 / (self.constant + rank)
        return fused(hits, "rrf", totals)
