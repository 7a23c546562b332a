"""What a branch takes streams as if it stood there alone, and gives the answer that `ask` gives."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
import run_parts

from ragbraid.errors import StepError
from ragbraid.types import Event

SAY, SHOUT = {"type": "run_parts:Say"}, {"type": "run_parts:Shout"}
WAYS: dict[str, Any] = {
    "ask": [
        {"type": "run_parts:Find"},
        {"type": "run_parts:size"},
        {
            "when": "size",
            "cases": {
                "short": SAY,
                "fair": {"only": {"lang": "de"}, "then": [{**SAY, "id": "said"}, SHOUT]},
                "long": "inner",
            },
        },
    ],
    "flows": {
        "inner": [
            {"type": "run_parts:Find"},
            {"type": "run_parts:is_long", "words": 6},
            {"when": "is_long", "then": {**SAY, "fails": "bad"}, "else": {"type": "run_parts:SayAtOnce"}},
        ]
    },
    "fields": {"lang": "str"},
}  # fmt: skip


def deltas(events: list[Event]) -> str:
    assert [each.seq for each in events] == list(range(len(events)))
    return "".join(each.value for each in events if each.kind == "delta")


@pytest.mark.parametrize(
    ("question", "pieces"), [("one two", 2), ("one two three", 3), ("a b c d e f g", 7), ("a b c d e", 0)]
)
def test_the_way_taken_streams(tmp_path: Path, question: str, pieces: int) -> None:
    with run_parts.load(tmp_path, WAYS) as pipeline:
        events = list(pipeline.stream(question))
        answer = pipeline.ask(question)
        assert events[-1].value == answer
        assert deltas(events) == answer.text
        assert sum(each.kind == "delta" for each in events) >= (pieces or 1)
        shouted = answer.text.isupper()  # what takes events takes no hits
        assert sum(each.kind == "hits" for each in events) == (1 if pieces and not shouted else 0)
        assert asyncio.run(pipeline.aask(question)) == answer

        async def gather() -> list[Event]:
            return [each async for each in pipeline.astream(question)]

        assert deltas(asyncio.run(gather())) == deltas(events)


def test_what_fails_on_the_way_is_the_last_event(tmp_path: Path) -> None:
    with run_parts.load(tmp_path, WAYS) as pipeline:
        *_, last = pipeline.stream("a bad question of more than six words")
        assert (last.kind, type(last.value)) == ("error", StepError)
