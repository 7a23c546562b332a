"""How well a router does on questions whose routes are known."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ragbraid.route.protocol import OTHERWISE


@dataclass(frozen=True, slots=True)
class OfRoute:
    """Of a route: its `questions`, and precision and recall in [0, 1]; None where there is none to count."""

    questions: int
    precision: float | None
    recall: float | None


@dataclass(frozen=True, slots=True)
class Judged:
    """What questions came to.

    `accuracy` is the share of all that went where they should. `in_scope` is that share of those that have a
    route, `refused` that of those that have none (out-of-scope recall); None where there are none.
    `confusion` counts the wrong ones: how many of a route went to which other.
    """

    questions: int
    accuracy: float
    in_scope: float | None
    refused: float | None
    routes: Mapping[str, OfRoute]
    confusion: Mapping[str, Mapping[str, int]]


def judge(pairs: Sequence[tuple[str, str]]) -> Judged:
    """Judge pairs of the right route and the one that was taken; there is at least one."""
    right = Counter(wanted for wanted, taken in pairs if wanted == taken)
    wanted, taken = Counter(each for each, _ in pairs), Counter(each for _, each in pairs)
    confusion: dict[str, Counter[str]] = {}
    for one, other in pairs:
        if one != other:
            confusion.setdefault(one, Counter())[other] += 1
    names = [each for each in {**wanted, **taken} if each != OTHERWISE]
    known = sum(wanted.values()) - wanted[OTHERWISE]
    return Judged(
        len(pairs),
        sum(right.values()) / len(pairs),
        _share(sum(right.values()) - right[OTHERWISE], known),
        _share(right[OTHERWISE], wanted[OTHERWISE]),
        {
            name: OfRoute(wanted[name], _share(right[name], taken[name]), _share(right[name], wanted[name]))
            for name in [*names, OTHERWISE]
        },
        {name: dict(each.most_common()) for name, each in confusion.items()},
    )


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
