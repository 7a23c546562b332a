"""Fusion of several rankings by reciprocal ranks."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated

from annotated_types import Ge

from ragbraid.hits import rescored
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
        merged: dict[str, Hit] = {}
        totals: dict[str, float] = {}
        for ranking in hits:
            for rank, hit in enumerate(_first_of_each(ranking), start=1):
                totals[hit.id] = totals.get(hit.id, 0.0) + 1 / (self.constant + rank)
                known = merged.get(hit.id, hit)
                merged[hit.id] = replace(known, scores={**known.scores, **hit.scores})
        order = sorted(merged, key=lambda each: (-totals[each], each))
        return rescored([merged[each] for each in order], "rrf", [totals[each] for each in order])


def _first_of_each(ranking: list[Hit]) -> list[Hit]:
    seen: dict[str, Hit] = {}
    for hit in ranking:
        seen.setdefault(hit.id, hit)
    return list(seen.values())
