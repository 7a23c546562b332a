"""A regression gate: an evaluation beside an earlier one of the same questions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ragbraid.errors import InputError
from ragbraid.evaluate.result import BETTER_HIGH, MEANS, Evaluation
from ragbraid.evaluate.statistics import rejected, worse

LEVEL = 0.01
"""The chance of an alarm where nothing became worse, over all measures together."""


@dataclass(frozen=True, slots=True)
class Change:
    """A measure before and now, over the questions that have it in both.

    `chance` is that of such a fall by luck alone; `regressed` where that is too small to believe in.
    """

    measure: str
    before: float
    now: float
    count: int
    chance: float | None
    regressed: bool


@dataclass(frozen=True, slots=True)
class Comparison:
    """All changes, and the questions whose answers no longer hold what they held."""

    changes: Sequence[Change]
    lost: Sequence[str]

    @property
    def regressed(self) -> bool:
        """Whether a measure fell by more than luck."""
        return any(each.regressed for each in self.changes)

    def to_json(self) -> dict[str, Any]:
        """As `ragbraid eval --against --json` prints it."""
        changes = [asdict(each) for each in self.changes]
        return {"regressed": self.regressed, "changes": changes, "lost": list(self.lost)}


def against(before: Evaluation, now: Evaluation, level: float = LEVEL) -> Comparison:
    """Compare two evaluations question by question; a measure only one of them has isn't compared.

    Raises `InputError` where they are of different questions.
    """
    demand_same(before, now.questions, now.name)
    pairs = {name: _paired(before.scores(name), now.scores(name)) for name in MEANS}
    pairs = {name: each for name, each in pairs.items() if each[0]}
    chances = {name: worse(*each) for name, each in pairs.items() if name in BETTER_HIGH}
    fallen = rejected(chances, level)
    changes = [
        Change(name, _mean(old), _mean(new), len(old), chances.get(name), name in fallen)
        for name, (old, new) in pairs.items()
    ]
    held, holds = before.scores("contains"), now.scores("contains")
    return Comparison(changes, [each for each in held if held[each] > holds.get(each, 0.0)])


def demand_same(before: Evaluation, digest: str, name: str) -> None:
    """Raise `InputError` where an evaluation is of other questions than those of this digest."""
    if before.questions != digest:
        raise InputError(
            f"The baseline is of other questions ({before.name}) than these ({name}).",
            "Make a baseline of the same questions with `ragbraid eval QUESTIONS --out FILE`.",
        )


def _paired(before: dict[str, float], now: dict[str, float]) -> tuple[list[float], list[float]]:
    """Both scores of each question that has one in both; an answer that failed or was refused has none."""
    shared = [each for each in before if each in now]
    return [before[each] for each in shared], [now[each] for each in shared]


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
