"""Random graphs with one thing wrong: the check says what, once, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from random import Random
from typing import Any

import pytest
import yaml
from run_graphs import Graphs

from ragbraid.pipeline.check import check
from ragbraid.pipeline.find import PipelineSource
from soaking import count

SEEDS = range(count(60, 2000))


def says(file: dict[str, Any]) -> list[str]:
    text = yaml.safe_dump({"ragbraid": 1, **file}, sort_keys=False)
    found = check(PipelineSource(text, "file.yaml", Path()), allow=("run_parts",))
    return [each.message for each in found.diagnostics]


def steps(value: Any) -> Iterator[dict[str, Any]]:
    """Every mapping of the file, steps among them."""
    if isinstance(value, dict):
        yield value
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            yield from steps(each)


UNBOUNDED = {
    "repeat": ("a loop", "rounds it may go"),
    "map": ("a map", "items that it takes"),
    "agent": ("an agent", "calls it may make"),
}


def unbounded(file: dict[str, Any], draw: Random) -> str:
    bounded = [each for each in steps(file) if "at_most" in each]
    if not bounded:
        return ""
    broken = draw.choice(bounded)
    del broken["at_most"]
    (what,) = [said for key, said in UNBOUNDED.items() if key in broken]
    return f"{what[0]} wants a bound: `at_most`, the most {what[1]}"


def mistyped_end(file: dict[str, Any], draw: Random) -> str:
    loops = [each for each in steps(file) if "repeat" in each]
    if not loops:
        return ""
    draw.choice(loops)["until"] = {"type": "run_parts:size", "id": "end"}
    return "`until` wants a step that gives bool, not 'short' or 'fair' or 'long'"


def mistyped_input(file: dict[str, Any], draw: Random) -> str:
    finders = [each for each in steps(file) if str(each.get("type")).endswith("Find")]
    draw.choice(finders)["question"] = {"value": 3}
    return "question: wants str, not 3"


def unread(file: dict[str, Any], draw: Random) -> str:
    flows = [file["search"], file["ask"], *(each["steps"] for each in file["flows"].values())]
    draw.choice(flows).insert(0, {"type": "run_parts:is_long", "id": "idle"})
    return "nobody reads the output of 'idle'; name it as an input of a later step, or remove it"


def mixed_tools(file: dict[str, Any], draw: Random) -> str:
    agents = [each for each in steps(file) if "agent" in each]
    if not agents:
        return ""
    broken = draw.choice(agents)
    broken["tools"].append({"type": "run_parts:is_long", "id": "odd"})
    first = broken["tools"][0]["id"]
    return (
        f"an agent's tools all give hits, or none does: {first!r} gives hits, and 'odd' bool; "
        "a flow that ends in a step that answers is no tool of hits"
    )


WAYS = (mixed_tools, unbounded, mistyped_end, mistyped_input, unread)


@pytest.mark.parametrize("seed", SEEDS)
def test_one_thing_wrong_is_one_problem(seed: int) -> None:
    right, draw = Graphs(seed).file(), Random(seed)
    assert says(right) == []
    for way in WAYS:
        wrong = deepcopy(right)
        expected = way(wrong, draw)
        assert says(wrong) == ([expected] if expected else [])
