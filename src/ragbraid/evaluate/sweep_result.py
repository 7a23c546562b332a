"""What a sweep found: which point is best, and which of the others are worse by more than luck."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ragbraid.errors import InputError
from ragbraid.evaluate.result import BETTER_HIGH, MEANS, Evaluation
from ragbraid.evaluate.statistics import rejected, worse
from ragbraid.pipeline.diagnostics import listed, meant
from ragbraid.pipeline.sharing import Tally

SCHEMA = 1

LEVEL = 0.05
"""The chance that any point is told apart from the best, or from the base, by luck alone."""

RANKED_BY = ("contains", "ndcg@10", "recall@10", "refused")
"""Measures that points are ranked by where nobody names one: the first that the labels allow."""


@dataclass(frozen=True, slots=True)
class Point:
    """Settings, and what came of all questions with them. None: the pipeline as it is."""

    settings: Mapping[str, Any]
    evaluation: Evaluation


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a point stands. Chances are those of a difference as large as this one by luck alone.

    `behind` where it is worse than the best point, `ahead` where it is better than the base, by more than
    luck, all points taken together.
    """

    point: Point
    value: float
    chance_to_best: float
    behind: bool
    chance_to_base: float
    ahead: bool


@dataclass(frozen=True, slots=True)
class Sweep:
    """All points, best first. `tally` is of all steps; `known` questions had been asked by an earlier run."""

    by: str
    standings: Sequence[Standing]
    base: Point
    tally: Tally
    known: int

    @classmethod
    def of(cls, points: Sequence[Point], base: int, tally: Tally, known: int, by: str | None) -> Sweep:
        """Rank points by a measure. Raises `InputError` where the labels don't allow that measure."""
        named = _ranked_by(points[base].evaluation.measures, by)
        scores = [each.evaluation.scores(named) for each in points]
        values = [each.evaluation.measures[named].value for each in points]
        best = max(range(len(points)), key=lambda at: values[at])
        to_best = _told_apart([worse(*_paired(scores[best], each)) for each in scores], best)
        to_base = _told_apart([worse(*_paired(each, scores[base])) for each in scores], base)
        standings = [
            Standing(point, values[at], *to_best[at], *to_base[at]) for at, point in enumerate(points)
        ]
        ranked = sorted(standings, key=lambda each: -each.value)
        return cls(named, ranked, points[base], tally, known)

    def to_json(self) -> dict[str, Any]:
        """As `ragbraid sweep --json` prints it."""
        first = self.standings[0].point.evaluation
        return {
            "schema": SCHEMA,
            "pipeline": first.pipeline,
            "name": first.name,
            "questions": first.questions,
            "ranked_by": self.by,
            "base": dict(self.base.settings),
            "points": [_standing(each) for each in self.standings],
            "known": self.known,
            "steps": asdict(self.tally),
        }


def _ranked_by(measured: Collection[str], by: str | None) -> str:
    found = by or next((each for each in RANKED_BY if each in measured), None)
    if found is None:
        raise InputError(
            "The questions have no labels.",
            "Label them with answers, or with the documents that speak of them.",
        )
    if found not in measured:
        allowed = listed(each for each in measured if each in BETTER_HIGH)
        raise InputError(f"The questions' labels don't allow {found}.", f"They allow {allowed}.")
    return found


def demand_rankable(by: str | None) -> None:
    """Raise `InputError` for what isn't a measure of which more is better."""
    if by is not None and by not in BETTER_HIGH:
        ranking = [each for each in MEANS if each in BETTER_HIGH]
        raise InputError(
            f"Points can't be ranked by {by!r}{meant(by, ranking)}.", f"There are {listed(ranking)}."
        )


def _standing(each: Standing) -> dict[str, Any]:
    measures = {name: asdict(one) for name, one in each.point.evaluation.measures.items()}
    return {
        "settings": dict(each.point.settings), "value": each.value, "measures": measures,
        "chance_to_best": each.chance_to_best, "behind_best": each.behind,
        "chance_to_base": each.chance_to_base, "ahead_of_base": each.ahead,
    }  # fmt: skip


def _paired(before: Mapping[str, float], now: Mapping[str, float]) -> tuple[list[float], list[float]]:
    shared = [each for each in before if each in now]
    return [before[each] for each in shared], [now[each] for each in shared]


def _told_apart(chances: Sequence[float], but: int) -> list[tuple[float, bool]]:
    """Each chance, and whether it is too small to believe in, all but that of one point taken together."""
    fallen = rejected({str(at): each for at, each in enumerate(chances) if at != but}, LEVEL)
    return [(each, str(at) in fallen) for at, each in enumerate(chances)]
