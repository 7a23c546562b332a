"""Random graphs: however a question is asked, it gets the same answer or the same error."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from run_graphs import FORMS, Graphs
from run_parts import load, threads

from ragbraid import Pipeline
from ragbraid.errors import RagbraidError
from ragbraid.types import Answer
from soaking import count

SEEDS = range(count(60, 2000))


def outcome(value: Any) -> Any:
    """What is compared: an answer as it is, an error by its type and its words."""
    return (type(value), str(value)) if isinstance(value, RagbraidError) else value


def asked(pipeline: Pipeline, question: str) -> Any:
    try:
        return outcome(pipeline.ask(question))
    except RagbraidError as error:
        return outcome(error)


def timed(pipeline: Pipeline, question: str) -> Any:
    try:
        return outcome(pipeline.ask(question, timeout=60))
    except RagbraidError as error:
        return outcome(error)


async def awaited(pipeline: Pipeline, question: str) -> Any:
    try:
        return outcome(await pipeline.aask(question))
    except RagbraidError as error:
        return outcome(error)


def last(events: list[Any]) -> Any:
    assert [each.seq for each in events] == list(range(len(events)))
    assert [each.kind in ("answer", "error") for each in events] == [False] * (len(events) - 1) + [True]
    final = events[-1]
    deltas = [each.value for each in events if each.kind == "delta"]
    if isinstance(final.value, Answer):
        assert "".join(deltas) == final.value.text
    return outcome(final.value)


@pytest.mark.parametrize("seed", SEEDS)
async def test_every_way_of_asking_agrees(seed: int, tmp_path: Path) -> None:
    graphs = Graphs(seed)
    pipeline = load(tmp_path, graphs.file())
    questions = graphs.questions(6)
    single = [asked(pipeline, each) for each in questions]
    assert [outcome(each) for each in pipeline.ask_batch(questions)] == single
    assert [last(list(pipeline.stream(each))) for each in questions] == single
    assert [await awaited(pipeline, each) for each in questions] == single
    assert [last([event async for event in pipeline.astream(each)]) for each in questions] == single
    assert [timed(pipeline, each) for each in questions] == single
    assert pipeline.close() == []
    assert threads() == []


def test_the_graphs_are_worth_it(tmp_path: Path) -> None:
    """The sample has answers, errors, branches, loops and streams, so that agreeing means something."""
    seen: set[str] = set()
    forms: set[str] = set()
    for seed in range(30):
        graphs = Graphs(seed)
        pipeline = load(tmp_path, graphs.file())
        for question in graphs.questions(4):
            value = asked(pipeline, question)
            seen.add("answer" if isinstance(value, Answer) else value[0].__name__)
            seen |= {each.kind for each in pipeline.stream(question)}
        forms |= graphs.forms
        pipeline.close()
    assert forms == set(FORMS)
    assert seen == {"answer", "InputError", "StepError", "step", "hits", "delta", "error"}
