"""Cancelling anywhere: control comes back at once, and no thread stays behind."""

from __future__ import annotations

import asyncio
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest
from run_graphs import Graphs
from run_parts import ENOUGH, load, threads

from ragbraid import Pipeline
from ragbraid.errors import Cancelled, DeadlineExceeded
from soaking import count

SEEDS = range(count(25, 2000))
PROMPT = 0.1
"""Seconds until the caller has control back."""

TRIES = 20
"""How often a moment is tried again: a machine with other work wakes a thread late, once in a while."""

FIND = {"type": "run_parts:Find"}


@pytest.fixture(autouse=True)
def _deaf() -> Iterator[None]:
    ENOUGH.clear()
    yield
    ENOUGH.set()


def ends() -> None:
    """A step that was asked to end does when it is over."""
    ENOUGH.set()
    for each in threads():
        each.join(30)
    assert threads() == []


def closes(pipeline: Pipeline) -> None:
    assert pipeline.close() == []
    assert threads() == []


@pytest.mark.parametrize("seed", SEEDS)
async def test_random_graphs_stop_anywhere(
    seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    graphs, draw = Graphs(seed, slow=True), Random(seed)
    pipeline = load(tmp_path, graphs.file())
    question = "pump valve rotor"
    for way in (deadline, closed_stream, closed_astream, cancelled_task):
        moment, lates = draw.uniform(0.0, 0.12), []
        while not lates or (lates[-1] >= PROMPT and len(lates) < TRIES):
            lates.append(await way(pipeline, question, moment))
        assert lates[-1] < PROMPT, (way.__name__, lates)
    closes(pipeline)
    assert list((tmp_path / "temporary").iterdir()) == []


async def deadline(pipeline: Pipeline, question: str, moment: float) -> float:
    began = time.monotonic()
    try:
        pipeline.ask(question, timeout=moment + 0.001)
    except DeadlineExceeded:
        return time.monotonic() - began - moment
    return 0.0


async def closed_stream(pipeline: Pipeline, question: str, moment: float) -> float:
    began = time.monotonic()
    events = pipeline.stream(question)
    for _ in events:
        if time.monotonic() - began >= moment:
            break
    stopped = time.monotonic()
    events.close()  # type: ignore[attr-defined]
    return time.monotonic() - stopped


async def closed_astream(pipeline: Pipeline, question: str, moment: float) -> float:
    began = time.monotonic()
    events = pipeline.astream(question)
    async for _ in events:
        if time.monotonic() - began >= moment:
            break
    stopped = time.monotonic()
    await events.aclose()  # type: ignore[attr-defined]
    return time.monotonic() - stopped


async def cancelled_task(pipeline: Pipeline, question: str, moment: float) -> float:
    task = asyncio.ensure_future(pipeline.aask(question))
    await asyncio.sleep(moment)
    stopped = time.monotonic()
    task.cancel()
    await asyncio.wait([task])
    late = time.monotonic() - stopped
    assert task.cancelled() or task.result().text
    return late


def file_with(*steps: object) -> dict[str, object]:
    return {"ask": [FIND, *steps, {"type": "run_parts:SayAtOnce"}]}


def test_a_step_that_looks_stops_at_the_deadline(tmp_path: Path) -> None:
    pipeline = load(tmp_path, file_with({"type": "run_parts:Wait", "seconds": 30.0}))
    with pytest.raises(DeadlineExceeded, match="The time allowed for this run is up"):
        pipeline.ask("pump", timeout=0.02)
    closes(pipeline)


def test_leaving_a_pipeline_at_the_deadline_names_what_still_runs(tmp_path: Path) -> None:
    file = file_with({"id": "deaf-one", "type": "run_parts:Deaf"})
    with pytest.raises(DeadlineExceeded, match="The step 'deaf-one' can't be stopped") as caught:  # noqa: SIM117
        with load(tmp_path, file) as pipeline:
            pipeline.ask("pump", timeout=0.05)
    assert "Raise the timeout" in caught.value.hint
    assert threads() != []  # it is deaf still
    ends()


async def test_the_deadline_holds_under_asyncio_too(tmp_path: Path) -> None:
    for kind in ("Wait", "AsyncWait"):
        pipeline = load(tmp_path, file_with({"type": f"run_parts:{kind}", "seconds": 30.0}))
        with pytest.raises(DeadlineExceeded, match="The time allowed for this run is up"):
            await pipeline.aask("pump", timeout=0.02)
        closes(pipeline)
    assert len(asyncio.all_tasks()) == 1


def test_streams_end_in_an_error_at_the_deadline(tmp_path: Path) -> None:
    pipeline = load(tmp_path, file_with({"type": "run_parts:Deaf"}))
    events = list(pipeline.stream("pump", timeout=0.05))
    assert [each.kind for each in events] == ["step", "error"]
    assert [each.seq for each in events] == [0, 1]
    assert isinstance(events[-1].value, DeadlineExceeded)
    ENOUGH.set()
    closes(pipeline)


def test_close_names_what_cannot_be_stopped(tmp_path: Path) -> None:
    inner = {"steps": [FIND, {"id": "deaf-one", "type": "run_parts:Deaf"}]}
    steps = [{"use": "inner"}, {"type": "run_parts:SayAtOnce"}]
    pipeline = load(tmp_path, {"flows": {"inner": inner}, "ask": steps})
    with pytest.raises(DeadlineExceeded):
        pipeline.ask("pump", timeout=0.05)
    assert pipeline.close(0.1) == ["inner.deaf-one"]
    ends()


def test_close_stops_a_stream_that_nobody_reads_on(tmp_path: Path) -> None:
    pipeline = load(tmp_path, {"ask": [FIND, {"type": "run_parts:SaySlowly", "pause": 0.5}]})
    events = pipeline.stream("pump valve")
    next(events)
    began = time.monotonic()
    closes(pipeline)
    assert time.monotonic() - began < 2
    assert [each.kind for each in events][-1] == "error"


def test_close_stops_a_question_in_another_thread(tmp_path: Path) -> None:
    pipeline = load(tmp_path, file_with({"type": "run_parts:Wait", "seconds": 30.0}))
    errors: list[BaseException] = []

    def ask() -> None:
        try:
            pipeline.ask("pump", timeout=60)
        except Cancelled as error:
            errors.append(error)

    thread = threading.Thread(target=ask)
    thread.start()
    time.sleep(0.05)
    closes(pipeline)
    thread.join(2)
    assert [str(each) for each in errors] == ["The run was cancelled."]


async def test_one_that_fails_does_not_leave_the_other_waiting(tmp_path: Path) -> None:
    """Under asyncio, a run that ends takes its coroutines with it."""
    steps = [
        {"id": "one", "type": "run_parts:AsyncWait", "seconds": 30.0, "hits": "Find"},
        {"id": "two", "type": "run_parts:Stopping", "hits": "Find"},
        {"type": "run_parts:Fuse", "hits": ["one", "two"]},
    ]
    pipeline = load(tmp_path, file_with(*steps))
    with pytest.raises(Cancelled, match="enough"):
        await pipeline.aask("pump")
    assert len(asyncio.all_tasks()) == 1
    closes(pipeline)
