"""Flows that take over each other's steps: each gives what it gives by itself, and no step is run twice."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import pytest
from run_graphs import Graphs
from run_parts import load

from ragbraid import Pipeline
from ragbraid.errors import RagbraidError
from ragbraid.pipeline.engine import Engine
from ragbraid.pipeline.sharing import Memo, SharedFlow
from soaking import count

SEEDS = range(count(60, 500))


def outcome(ask: Any) -> Any:
    try:
        return ask()
    except RagbraidError as error:
        return (type(error), str(error))


def settings(node: Any) -> Iterator[tuple[dict[str, Any], str]]:
    """Every number that a file sets, by its mapping and key."""
    if isinstance(node, dict):
        yield from ((node, key) for key in ("seed", "most", "words", "at_most") if key in node)
        for each in node.values():
            yield from settings(each)
    elif isinstance(node, list):
        for each in node:
            yield from settings(each)


def changed(file: dict[str, Any], draw: Random) -> dict[str, Any]:
    other = copy.deepcopy(file)
    places = list(settings(other))
    for place, key in draw.sample(places, min(len(places), draw.randint(1, 2))):
        place[key] = place[key] % 6 + 1
    return other


@pytest.mark.parametrize("seed", SEEDS)
def test_random_graphs_side_by_side_give_what_each_gives_alone(seed: int, tmp_path: Path) -> None:
    draw, graphs, engine = Random(seed), Graphs(seed), Engine()
    file = graphs.file()
    files = [file, *(changed(file, draw) for _ in range(3)), file]
    pipelines = [load(tmp_path, each, engine) for each in files]
    flows = [each.sharing("ask") for each in pipelines]
    assert flows[0].recipe == flows[-1].recipe
    for question in graphs.questions(4):
        memo = Memo({"question": question})
        for pipeline, flow in zip(pipelines, flows, strict=True):
            assert outcome(partial(flow.run, memo)) == outcome(partial(pipeline.ask, question))
    for each in pipelines:
        each.close()


def shared(folder: Path, *contents: dict[str, Any]) -> tuple[list[SharedFlow], list[Pipeline]]:
    engine = Engine()
    pipelines = [load(folder, each, engine) for each in contents]
    return [each.sharing("search") for each in pipelines], pipelines


def steps(*kinds: str, **settings: Any) -> dict[str, Any]:
    return {"search": [{"type": f"run_parts:{kind}", **settings.get(kind, {})} for kind in kinds]}


def test_a_step_is_run_once_where_it_and_all_before_it_are_equal(tmp_path: Path) -> None:
    flows, _ = shared(
        tmp_path,
        steps("Find", "Rank", "drop"),
        steps("Find", "Rank", "drop", drop={"most": 1}),
        steps("Find", "Rank", "drop", Rank={"seed": 3}, drop={"most": 1}),
        steps("Find", "Rank", "drop"),
    )
    memo = Memo({"question": "pump"})
    counted = []
    for each in flows:
        each.run(memo)
        counted.append((memo.tally.run, memo.tally.shared))
    assert counted == [(3, 0), (4, 2), (6, 3), (6, 6)]
    assert len({each.recipe for each in flows}) == 3


def test_what_a_loop_does_is_not_taken_over_and_what_follows_from_it_is(tmp_path: Path) -> None:
    loop = {
        "flows": {"round": {"inputs": {"hits": "hits"}, "steps": [{"type": "run_parts:Trim"}]}},
        "search": [
            {"type": "run_parts:Find"},
            {"repeat": "round", "until": {"type": "run_parts:few", "most": 1}, "at_most": 3},
            {"type": "run_parts:Rank"},
        ],
    }  # fmt: skip
    flows, pipelines = shared(tmp_path, loop, loop)
    memo = Memo({"question": "pump", "k": 4})
    first = flows[0].run(memo)
    run = memo.tally.run
    assert flows[1].run(memo) == first == pipelines[0].search("pump", 4)
    assert memo.tally.shared == 2  # Find and Rank
    assert memo.tally.run > run


def test_inputs_that_are_wrong_are_told(tmp_path: Path) -> None:
    (flow,), _ = shared(tmp_path, steps("Find"))
    with pytest.raises(RagbraidError, match="number of hits"):
        flow.run(Memo({"question": "pump", "k": 0}))
