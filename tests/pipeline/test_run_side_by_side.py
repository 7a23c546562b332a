"""Steps that don't need each other run side by side where they say that they are worth a thread."""

from __future__ import annotations

import _thread
import sys
import threading
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import pytest
import run_parts
from run_parts import hit, threads

from ragbraid.context import Context
from ragbraid.errors import StepError
from ragbraid.types import Answer, Hit

load = partial(run_parts.load, allow="test_run_side_by_side")

MEETING = threading.Barrier(2, timeout=10)
BEGUN = threading.Semaphore(0)
SEEN: list[str] = []


@dataclass(frozen=True, slots=True)
class Meet:
    """Waits until another one is here, too."""

    blocking: ClassVar[bool] = True

    def __call__(self, question: str) -> list[Hit]:
        MEETING.wait()
        return [hit(question)]


@dataclass(frozen=True, slots=True)
class Plain:
    """Notes its thread."""

    def __call__(self, question: str) -> list[Hit]:
        SEEN.append(threading.current_thread().name)
        return [hit(question)]


@dataclass(frozen=True, slots=True)
class Broken:
    """Fails."""

    blocking: ClassVar[bool] = True

    def __call__(self, question: str) -> list[Hit]:
        raise ValueError("no")


@dataclass(frozen=True, slots=True)
class Long:
    """Takes ten seconds, and looks every few milliseconds whether it shall stop."""

    blocking: ClassVar[bool] = True

    def __call__(self, question: str, context: Context) -> list[Hit]:
        BEGUN.release()
        until = time.monotonic() + 10
        while time.monotonic() < until:
            context.check()
            time.sleep(0.005)
        return []


@pytest.fixture(autouse=True)
def fresh() -> None:
    SEEN.clear()


def content(one: str, other: str) -> dict[str, Any]:
    kinds = {"one": one, "other": other}
    steps = [{"id": each, "type": f"test_run_side_by_side:{kind}"} for each, kind in kinds.items()]
    search = [*steps, {"type": "run_parts:Fuse", "hits": ["one", "other"]}]
    return {"search": search, "ask": ["search", {"type": "run_parts:SayAtOnce"}]}


def test_two_blocking_steps_meet(tmp_path: Path) -> None:
    with load(tmp_path, content("Meet", "Meet")) as pipeline:
        assert [each.id for each in pipeline.search("x")] == ["x"]
    assert threads() == []


def test_steps_that_do_not_block_take_no_thread(tmp_path: Path) -> None:
    with load(tmp_path, content("Plain", "Plain")) as pipeline:
        pipeline.ask("x")
        assert [threading.current_thread().name] * 2 == SEEN
        assert threads() == []


@pytest.mark.parametrize("sides", [("Broken", "Plain"), ("Plain", "Broken"), ("Broken", "Broken")])
def test_one_that_fails_ends_the_question_and_nothing_hangs(tmp_path: Path, sides: tuple[str, str]) -> None:
    with load(tmp_path, content(*sides)) as pipeline, pytest.raises(StepError, match="ValueError: no"):
        pipeline.search("x")
    assert threads() == []


def test_more_questions_at_once_than_there_are_workers(tmp_path: Path) -> None:
    parts = [{"id": each, "type": "run_parts:BlockingFind", "seed": 1} for each in ("one", "other")]
    search = [*parts, {"type": "run_parts:Fuse", "hits": ["one", "other"]}]
    steps = {"search": search, "ask": ["search", {"type": "run_parts:SayAtOnce"}]}
    answers: list[Answer] = []
    with load(tmp_path, steps) as pipeline:
        crowd = [
            threading.Thread(target=lambda: answers.append(pipeline.ask("x", timeout=60))) for _ in range(80)
        ]
        for each in crowd:
            each.start()
        for each in crowd:
            each.join(60)
        assert answers == [pipeline.ask("x")] * 80
    assert threads() == []


def test_an_interrupt_stops_both(tmp_path: Path) -> None:
    def interrupt() -> None:
        for _ in range(2):
            BEGUN.acquire()
        _thread.interrupt_main()

    with load(tmp_path, content("Long", "Long")) as pipeline:
        threading.Thread(target=interrupt).start()
        began = time.monotonic()
        with pytest.raises(KeyboardInterrupt):
            pipeline.search("x")
        assert time.monotonic() - began < 8  # of ten that it takes
        assert pipeline.close() == []
    assert threads() == []


def test_events_of_steps_that_end_together_are_numbered_once_each(tmp_path: Path) -> None:
    parts = [{"id": f"p{each}", "type": "run_parts:BlockingFind", "seed": each} for each in range(8)]
    named = [each["id"] for each in parts]
    steps = {"ask": [*parts, {"type": "run_parts:Fuse", "hits": named}, {"type": "run_parts:SayAtOnce"}]}
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with load(tmp_path, steps) as pipeline:
            for _ in range(60):
                events = list(pipeline.stream("x"))
                assert [each.seq for each in events] == list(range(len(events)))
    finally:
        sys.setswitchinterval(before)
    assert threads() == []
