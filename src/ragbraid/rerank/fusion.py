"""What fusions of rankings share: one hit for each passage, and a total over the lists that found it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

from ragbraid.hits import rescored
from ragbraid.types import Hit


def fused(rankings: Sequence[Sequence[Hit]], stage: str, totals: Mapping[str, float]) -> list[Hit]:
    """Every hit of any ranking once, by its total, which is its score under `stage`; ties by id.

    A hit keeps the scores that all stages gave it.
    """
    merged: dict[str, Hit] = {}
    for ranking in rankings:
        for hit in ranking:
            known = merged.setdefault(hit.id, hit)
            if known is not hit:
                merged[hit.id] = replace(known, scores={**known.scores, **hit.scores, **known.scores})
    order = sorted(merged, key=lambda each: (-totals[each], each))
    return rescored([merged[each] for each in order], stage, [totals[each] for each in order])


def first_of_each(ranking: Sequence[Hit]) -> dict[str, Hit]:
    """The hits by id in their order, the first of each id."""
    found: dict[str, Hit] = {}
    for hit in ranking:
        found.setdefault(hit.id, hit)
    return found


def weights_for(weights: Sequence[float], rankings: Sequence[object]) -> Sequence[float]:
    """The weights of the rankings, 1 each where none are given. Raises `ValueError` for another number."""
    if not weights:
        return [1.0] * len(rankings)
    if len(weights) != len(rankings):
        raise ValueError(f"there are {len(rankings)} lists of hits and {len(weights)} `weights`")
    return weights


def total(
    scores: Sequence[Mapping[str, float]], weights: Sequence[float], absent: Sequence[float]
) -> dict[str, float]:
    """Each id's weighted sum over the lists; one that a list lacks has there what is `absent`'s for it."""
    ids = dict.fromkeys(each for one in scores for each in one)
    return {
        name: sum(
            weight * one.get(name, low) for one, weight, low in zip(scores, weights, absent, strict=True)
        )
        for name in ids
    }


def standardised(scores: Sequence[float]) -> list[float]:
    """The scores less their mean, over their standard deviation; 0 each where they are all the same."""
    mean = math.fsum(scores) / (len(scores) or 1)
    deviation = math.sqrt(math.fsum((each - mean) ** 2 for each in scores) / (len(scores) or 1))
    if deviation <= 1e-9 * max(map(abs, scores), default=0.0):
        return [0.0] * len(scores)
    return [(each - mean) / deviation for each in scores]
