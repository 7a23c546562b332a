"""Two lists of hits: which were lost, which are new, which changed places or scores."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from ragbraid.types import Hit


@dataclass(frozen=True, slots=True)
class HitChange:
    """One hit, then and now: ranks count from 1, None where it wasn't among the hits.

    `scores` are those that differ, by step. `document` says whether its document is as it was.
    """

    id: str
    source: str
    start: int
    end: int
    was: int | None
    now: int | None
    scores: Mapping[str, tuple[float | None, float | None]]
    document: Literal["same", "changed", "gone"] = "same"


def hit_changes(then: Sequence[Hit], now: Sequence[Hit], documents: Mapping[str, str]) -> list[HitChange]:
    """Lost hits, then new ones, then those whose order among the others or whose scores differ.

    `documents` has the hash of each document that has changed, empty where it is gone.
    """
    before = {hit.id: (rank, hit) for rank, hit in enumerate(then, 1)}
    after = {hit.id: (rank, hit) for rank, hit in enumerate(now, 1)}
    # A hit that only made room for another hasn't moved.
    order = {each: place for place, each in enumerate(each for each in before if each in after)}
    order_now = {each: place for place, each in enumerate(each for each in after if each in before)}
    found: list[HitChange] = []
    for key in [*before, *(each for each in after if each not in before)]:
        rank, was = before.get(key, (None, None))
        rank_now, is_ = after.get(key, (None, None))
        scores = _scores(was, is_)
        if was is None or is_ is None or scores or order[key] != order_now[key]:
            hit = is_ or was
            assert hit is not None
            state = documents.get(hit.source)
            document: Literal["same", "changed", "gone"] = (
                "same" if state is None else "changed" if state else "gone"
            )
            found.append(
                HitChange(hit.id, hit.source, hit.start, hit.end, rank, rank_now, scores, document)
            )
    return sorted(found, key=lambda each: (each.now is not None, each.was is not None, each.was or each.now))


def _scores(was: Hit | None, now: Hit | None) -> dict[str, tuple[float | None, float | None]]:
    one, other = (
        {} if each is None else {**each.scores, "score": each.score} for each in (was, now)
    )
    pairs = {name: (one.get(name), other.get(name)) for name in {**one, **other}}
    return {name: pair for name, pair in pairs.items() if not _close(*pair)}


def _close(one: float | None, other: float | None) -> bool:
    if one is None or other is None:
        return one is other
    return math.isclose(one, other, rel_tol=1e-4, abs_tol=1e-6) or (math.isnan(one) and math.isnan(other))
