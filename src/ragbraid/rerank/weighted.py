"""Fusion of several rankings by their scores, each list's stretched to reach from 0 to 1."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ragbraid.rerank.fusion import first_of_each, fused, total, weights_for
from ragbraid.types import Hit


@dataclass(frozen=True, slots=True)
class Weighted:
    """Fuses several lists of hits into one: a hit's score is the weighted mean of its relative scores.

    A list's best hit has 1 there and its last one 0, as has what it lacks; where all score the same, they
    have 1. `weights` has a number for each list, 1 where none are given. Every hit of any list is kept, with
    the scores of all its stages and its own under `weighted`; ties are ordered by id. Source: Fox & Shaw,
    TREC-2, 1994 (CombSUM); Lee, SIGIR 1997 (the stretching).
    """

    weights: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        if self.weights and (min(self.weights) < 0 or not any(self.weights)):
            raise ValueError("`weights` wants numbers of at least 0, and one above")

    def __call__(self, hits: list[list[Hit]]) -> list[Hit]:
        """One ranking of all hits."""
        lists = [_stretched({name: hit.score for name, hit in first_of_each(each).items()}) for each in hits]
        weights = weights_for(self.weights, hits)
        whole = sum(weights) or 1.0
        totals = total(lists, [each / whole for each in weights], [0.0] * len(lists))
        return fused(hits, "weighted", totals)


def _stretched(scores: Mapping[str, float]) -> dict[str, float]:
    low, high = min(scores.values(), default=0.0), max(scores.values(), default=0.0)
    if low == high:
        return dict.fromkeys(scores, 1.0)
    return {name: (each - low) / (high - low) for name, each in scores.items()}
