"""What ends a loop: its condition, its bounds, or no progress; and what the trace says of it."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from language import checked, says

from ragbraid import Pipeline
from ragbraid.answer.enough import Enough
from ragbraid.pipeline.engine import Engine
from ragbraid.retrieve.widen import Widen
from ragbraid.types import Answer, Batch, Hit

ALLOW = ("test_language_loops", str(Path(__file__).parent / "parts.py"))
RELEASE = threading.Event()


@dataclass(frozen=True, slots=True)
class Grow:
    """One hit more in each round, at most `most` of them; takes `pause` seconds from round `slow` on."""

    most: int = 100
    pause: float = 0.0
    slow: int = 1

    def __call__(self, hits: list[Hit], round: int) -> list[Hit]:  # noqa: A002
        if self.pause and round >= self.slow:
            RELEASE.wait(self.pause)
        return hits if len(hits) >= self.most else [*hits, Hit(f"r{round}", "s", 0, 1, "x")]


def many(hits: Batch[list[Hit]], *, least: int = 5) -> Batch[bool]:
    """Whether there are enough."""
    return Batch(len(each) >= least for each in hits)


LOOP = """
    ask:
      - {type: ./parts.py:find}
      - {type: ./parts.py:first}
      - {repeat: grow, until: {type: test_language_loops:many, least: %d}, at_most: %d%s}
      - {type: ./parts.py:reply}
    flows:
      grow:
        inputs: {hits: hits, round: int}
        steps: [{type: test_language_loops:Grow%s}]
"""


def opened(least: int = 5, at_most: int = 9, more: str = "", settings: str = "") -> Pipeline:
    found = checked(LOOP % (least, at_most, more, settings), allow=ALLOW)
    assert found.pipeline is not None, [str(each) for each in found.diagnostics]
    return Pipeline(found.pipeline, engine=Engine())


def told(answer: Any) -> Any:
    (span,) = [each for each in answer.trace if each.step == "repeat"]
    return span.notes["rounds"], span.notes["ended"]


async def test_what_ends_a_loop_is_in_the_trace() -> None:
    for options, rounds, ended in (
        ({}, 4, "until"),
        ({"least": 50}, 9, "at_most"),
        ({"settings": ", most: 3"}, 3, "no progress"),
    ):
        with opened(**options) as ready:  # type: ignore[arg-type]
            answer = ready.ask("x")
            assert told(answer) == (rounds, ended)
            assert told(await ready.aask("x")) == (rounds, ended)
            assert [hit.id for hit in answer.hits][:3] == ["0", "r1", "r2"]


def test_a_round_that_takes_too_long_is_abandoned_and_the_one_before_holds() -> None:
    RELEASE.clear()
    with opened(50, 9, ", deadline: 0.3", ", pause: 30, slow: 3") as ready:
        began = time.monotonic()
        answer = ready.ask("x")
        assert time.monotonic() - began < 15
        assert told(answer) == (2, "deadline")
        assert [hit.id for hit in answer.hits] == ["0", "r1", "r2"]
        assert told(list(ready.stream("x"))[-1].value) == (2, "deadline")
        RELEASE.set()
    RELEASE.clear()


def test_before_its_first_round_a_loop_comes_to_what_it_began_with() -> None:
    RELEASE.clear()
    with opened(50, 9, ", deadline: 0.1", ", pause: 30") as ready:
        answer = ready.ask("x")
        assert told(answer) == (0, "deadline")
        assert [hit.id for hit in answer.hits] == ["0"]
        RELEASE.set()
    RELEASE.clear()


def test_a_deadline_that_is_far_changes_nothing() -> None:
    with opened() as plain, opened(more=", deadline: 60") as bounded:
        assert plain.ask("x") == bounded.ask("x")
        steps = [[each.step for each in one.ask("x").trace] for one in (plain, bounded)]
        assert steps[0] == steps[1]
        assert [each.step for each in bounded.record("x").steps] == [
            each.step for each in plain.record("x").steps
        ]


@pytest.mark.parametrize("deadline", ["0", "-1", "soon", "true", "100000"])
def test_a_deadline_is_a_number_of_seconds(deadline: str) -> None:
    (message,) = says(LOOP % (5, 9, f", deadline: {deadline}", ""), allow=ALLOW)
    assert message.startswith("deadline wants seconds, more than 0 and at most 86400, not ")


def test_enough_and_widen() -> None:
    sure, unsure = Answer("x", confidence=0.7), Answer("x", confidence=0.4)
    assert [Enough()(each) for each in (sure, unsure, Answer("x", confidence=0.9, abstained=True))] == [
        True, False, False,
    ]  # fmt: skip
    assert [Widen()(10, each) for each in (1, 2, 3, 4, 5, 100)] == [20, 40, 80, 160, 200, 200]
    assert Widen(most=5)(10, 1) == 10
