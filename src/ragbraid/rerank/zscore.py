"""Fusion of several rankings by their scores, each list's brought to mean 0 and deviation 1."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ragbraid.rerank.fusion import first_of_each, fused, standardised, total, weights_for
from ragbraid.types import Hit


@dataclass(frozen=True, slots=True)
class Zscore:
    """Fuses several lists of hits into one: a hit's score is the weighted sum of its z-scores.

    A list's scores less their mean, over their standard deviation: how far a hit stands out in it. A hit that
    a list lacks counts there as its last one. Where all of a list score the same, they count as 0, and what
    it lacks as -1. `weights` has a number for each list, 1 where none are given. Every hit of any list is
    kept, with the scores of all its stages and its own under `zscore`; ties are ordered by id. Source: Fox &
    Shaw, TREC-2, 1994 (CombSUM); Renda & Straccia, SAC 2003 (z-scores for it).
    """

    weights: tuple[float, ...] = ()

    def __call__(self, hits: list[list[Hit]]) -> list[Hit]:
        """One ranking of all hits."""
        lists = [_standardised(first_of_each(each)) for each in hits]
        absent = [min(each.values(), default=0.0) if any(each.values()) else -1.0 for each in lists]
        totals = total(lists, weights_for(self.weights, hits), absent)
        return fused(hits, "zscore", totals)


def _standardised(hits: Mapping[str, Hit]) -> dict[str, float]:
    return dict(zip(hits, standardised([hit.score for hit in hits.values()]), strict=True))
