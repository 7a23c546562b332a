"""What callers get wrong is met with a sentence or two."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from run_parts import load

from ragbraid import InputError, Pipeline

CONTENT: dict[str, Any] = {
    "search": [{"type": "run_parts:Find"}],
    "ask": ["search", {"type": "run_parts:Say"}],
    "flows": {
        "shape": {
            "inputs": {"size": "int"},
            "steps": [{"type": "run_parts:Find", "question": {"value": "x"}, "k": "size"}],
        }
    },
}

WRONG: dict[str, Callable[[Pipeline], Any]] = {
    "an empty question": lambda p: p.ask(""),
    "blanks": lambda p: p.ask(" \n\t"),
    "a zero-width space": lambda p: p.ask("\u200b"),
    "a question that is none": lambda p: p.ask(7),
    "a question that is a document": lambda p: p.ask("word " * 20_000),
    "half a character": lambda p: p.ask("\ud800 what"),
    "k of nothing": lambda p: p.search("x", k=0),
    "k as a word": lambda p: p.search("x", k="ten"),
    "a flow that isn't there": lambda p: p.run("serch", question="x"),
    "an input that isn't there": lambda p: p.run("ask", question="x", kk=3),
    "an input that is missing": lambda p: p.run("shape"),
    "no time": lambda p: p.ask("x", timeout=0),
    "time that isn't a number": lambda p: p.ask("x", timeout=float("nan")),
    "a history of something else": lambda p: p.ask("x", history=[{"role": "user"}]),
    "one question as a batch": lambda p: p.ask_batch("what?"),
    "ingest without a flow for it": lambda p: p.ingest("."),
    "nothing to ingest": lambda p: p.ingest([]),
    "a stream of nothing": lambda p: p.stream(""),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_input_is_a_sentence(tmp_path: Path, name: str) -> None:
    with load(tmp_path, CONTENT) as pipeline:
        with pytest.raises(InputError) as caught:
            WRONG[name](pipeline)
        said = str(caught.value)
        assert "\n" not in said
        assert len(said) < 300
        assert said.endswith((".", "?"))
        assert pipeline.ask("fine").text.startswith("fine ")


def test_a_near_name_is_offered(tmp_path: Path) -> None:
    with load(tmp_path, CONTENT) as pipeline, pytest.raises(InputError, match="did you mean 'search'"):
        pipeline.run("serch", question="x")


def test_a_closed_pipeline_says_so(tmp_path: Path) -> None:
    pipeline = load(tmp_path, CONTENT)
    assert pipeline.close() == []
    with pytest.raises(InputError, match="closed"):
        pipeline.ask("x")
