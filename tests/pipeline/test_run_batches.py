"""Many questions at once, `k`, branches and loops: what comes out, computed by hand."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import run_parts
from run_parts import hit

from ragbraid import InputError
from ragbraid.errors import StepError
from ragbraid.types import Answer, Batch, Hit

load = partial(run_parts.load, allow="test_run_batches")

CALLS: list[tuple[str, ...]] = []


@dataclass(frozen=True, slots=True)
class Together:
    """Notes which questions came together."""

    lost: int = 0

    def __call__(self, question: Batch[str], k: int) -> Batch[list[Hit]]:
        CALLS.append(tuple(question))
        found: list[Any] = [[hit(f"h{number}") for number in range(max(k, 6))] for _ in question]
        found = [
            ValueError("no") if each == "bad" else hits for each, hits in zip(question, found, strict=True)
        ]
        return Batch(found[: len(found) - self.lost])


@dataclass(frozen=True, slots=True)
class OverHits:
    """Notes which questions came together over the same hits."""

    def __call__(self, question: Batch[str], hits: list[Hit]) -> Batch[list[Hit]]:
        CALLS.append((*question, *(each.id for each in hits)))
        return Batch([*hits, hit(each)] for each in question)


def by_size(question: str) -> list[Hit]:
    """One hit, named by the length of the question."""
    return [hit(f"{len(question)}")]


def grown(hits: list[Hit]) -> list[Hit]:
    """One hit more."""
    return [*hits, hit(f"g{len(hits)}")]


def many(hits: list[Hit], *, least: int = 9) -> bool:
    """Whether there are enough."""
    return len(hits) >= least


def plenty(question: str) -> bool:
    """Whether the question asks for much."""
    return "much" in question


@pytest.fixture(autouse=True)
def fresh() -> None:
    CALLS.clear()


def content(*steps: Any, **flows: Any) -> dict[str, Any]:
    search = [{"type": "test_run_batches:Together"}, *steps]
    return (
        {"search": search, "ask": ["search", {"type": "run_parts:Say"}], "flows": flows}
        if flows
        else {
            "search": search,
            "ask": ["search", {"type": "run_parts:Say"}],
        }
    )


def test_all_questions_come_in_one_call_and_each_has_its_own_error(tmp_path: Path) -> None:
    with load(tmp_path, content()) as pipeline:
        one, bad, blank, two = pipeline.ask_batch(["one", "bad", "", "two"])
        assert CALLS == [("one", "bad", "two")]
        assert (one, two) == (pipeline.ask("one"), pipeline.ask("two"))
        assert isinstance(bad, StepError)
        assert isinstance(blank, InputError)
        with pytest.raises(StepError) as alone:
            pipeline.ask("bad")
        assert str(alone.value) == str(bad)
        assert "search.Together" in str(bad)


def test_questions_share_a_call_where_the_other_inputs_are_equal(tmp_path: Path) -> None:
    search = [{"type": f"test_run_batches:{each}"} for each in ("by_size", "OverHits")]
    with load(tmp_path, {"search": search, "ask": ["search", {"type": "run_parts:Say"}]}) as pipeline:
        questions = ["one", "four", "two", "five", "three"]
        answers = pipeline.ask_batch(questions)
        assert CALLS == [("one", "two", "3"), ("four", "five", "4"), ("three", "5")]
        assert [each.text for each in answers if isinstance(each, Answer)] == [
            f"{each} {len(each)} {each}" for each in questions
        ]


def test_a_call_that_loses_a_value_names_its_step(tmp_path: Path) -> None:
    steps = {
        "search": [{"type": "test_run_batches:Together", "lost": 1}],
        "ask": ["search", {"type": "run_parts:Say"}],
    }
    with load(tmp_path, steps) as pipeline:
        for answer in pipeline.ask_batch(["one", "two"]):
            assert isinstance(answer, StepError)
            assert "search.Together" in str(answer)
        with pytest.raises(StepError, match="0 values for 1"):
            pipeline.ask("one")


def test_no_questions_are_no_answers(tmp_path: Path) -> None:
    with load(tmp_path, content()) as pipeline:
        assert pipeline.ask_batch([]) == []
        assert CALLS == []


def test_k_is_the_length_of_the_result_and_pools_rise_to_it(tmp_path: Path) -> None:
    with load(tmp_path, content()) as pipeline:
        assert [len(pipeline.search("x", k)) for k in (1, 3, 6, 40)] == [1, 3, 6, 40]
        answer = pipeline.ask("x")
        assert isinstance(answer, Answer)
        assert len(answer.hits) == 10  # the default of k, as search has it


@pytest.mark.parametrize(("least", "most", "length"), [(9, 10, 9), (9, 2, 8), (1, 10, 7)])
def test_a_loop_carries_its_hits_until_it_is_told_or_its_bound(
    tmp_path: Path, least: int, most: int, length: int
) -> None:
    loop = {"repeat": "grow", "until": {"type": "test_run_batches:many", "least": least}, "at_most": most}
    grow = {"inputs": {"hits": "hits"}, "steps": [{"type": "test_run_batches:grown"}]}
    steps = [{"type": "run_parts:drop", "most": 6}, loop]
    with load(tmp_path, content(*steps, grow=grow)) as pipeline:
        found = [each.id for each in pipeline.search("x", 50)]
    assert found == [*(f"h{each}" for each in range(6)), *(f"g{each}" for each in range(6, length))]


@pytest.mark.parametrize("otherwise", [None, [{"type": "run_parts:drop", "most": 1, "id": "one"}]])
def test_a_branch_takes_one_way_for_each_question(tmp_path: Path, otherwise: Any) -> None:
    branch = {"when": "plenty", "then": [{"type": "test_run_batches:grown"}]}
    if otherwise is not None:
        branch["else"] = otherwise
    with load(tmp_path, content({"type": "test_run_batches:plenty"}, branch)) as pipeline:
        much, little = pipeline.ask_batch(["much", "little"])
        assert isinstance(much, Answer)
        assert isinstance(little, Answer)
        assert len(much.hits) == 10  # eleven, cut to k
        assert len(little.hits) == (10 if otherwise is None else 1)
        assert (much, little) == (pipeline.ask("much"), pipeline.ask("little"))
