"""Two lists of hits: which were lost, which are new, which changed places or scores."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from ragbraid.types import Hit


@dataclass(frozen=True, slots=True)
class HitChange:
    """One hit, then and now: ranks count from 1, and are None with the score where it wasn't among the hits.

    `document` says whether its document is as it was.
    """

    id: str
    source: str
    start: int
    end: int
    page: int | None
    line: int | None
    was: int | None
    now: int | None
    score_was: float | None
    score_now: float | None
    document: Literal["same", "changed", "gone"] = "same"


def hit_changes(then: Sequence[Hit], now: Sequence[Hit], documents: Mapping[str, str]) -> list[HitChange]:
    """Lost hits, then new ones, then those whose order among the others or whose score differs.

    `documents` has the hash of each document that has changed, empty where it is gone. Scores of earlier
    steps, which a hit carries along, aren't looked at: those steps have them.
    """
    before = {hit.id: (rank, hit) for rank, hit in enumerate(then, 1)}
    after = {hit.id: (rank, hit) for rank, hit in enumerate(now, 1)}
    # A hit that only made room for another hasn't moved.
    order = {each: place for place, each in enumerate(each for each in before if each in after)}
    order_now = {each: place for place, each in enumerate(each for each in after if each in before)}
    lost = [_change(was, None, documents) for each, was in before.items() if each not in after]
    new = [_change(None, is_, documents) for each, is_ in after.items() if each not in before]
    stayed = [
        _change(was, after[each], documents)
        for each, was in before.items()
        if each in after and (order[each] != order_now[each] or not close(was[1].score, after[each][1].score))
    ]
    return [*lost, *new, *stayed]


def _change(
    was: tuple[int, Hit] | None, now: tuple[int, Hit] | None, documents: Mapping[str, str]
) -> HitChange:
    rank, one = was or (None, None)
    rank_now, other = now or (None, None)
    hit = other or one
    assert hit is not None
    state = documents.get(hit.source)
    return HitChange(
        id=hit.id,
        source=hit.source,
        start=hit.start,
        end=hit.end,
        page=hit.page,
        line=hit.line,
        was=rank,
        now=rank_now,
        score_was=None if one is None else one.score,
        score_now=None if other is None else other.score,
        document="same" if state is None else "changed" if state else "gone",
    )


def close(one: float, other: float) -> bool:
    """Whether two scores are equal, but for what threads and machines make of the last digits."""
    return math.isclose(one, other, rel_tol=1e-4, abs_tol=1e-6) or (math.isnan(one) and math.isnan(other))
