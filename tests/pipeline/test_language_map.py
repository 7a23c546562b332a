"""The pipeline language: a flow for each item of a list."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from language import checked, pipeline, run, says

from ragbraid import Pipeline
from ragbraid.errors import GenerationError, RagbraidError, StepError
from ragbraid.pipeline.drawing.dot import dot
from ragbraid.pipeline.drawing.tree import tree
from ragbraid.pipeline.engine import Engine
from ragbraid.types import Answer, Batch, Hit

MAP = """
    components: {split: {type: ./parts.py:words}}
    search:
      - split
      - {map: part, over: split, at_most: 3}
      - {type: ./parts.py:Fuse, hits: map}
    flows:
      part:
        inputs: {question: str, k: int}
        steps: [{type: ./parts.py:find, k: {value: 1}}]
"""
BATCHES: list[tuple[str, ...]] = []


@dataclass(frozen=True, slots=True)
class Look:
    """Finds a hit for each question but those that are bad, all at once, and keeps who was together."""

    def __call__(self, question: Batch[str], k: int) -> Batch[list[Hit]]:
        BATCHES.append(tuple(question))
        return Batch(
            GenerationError(f"{each} is bad.") if each.startswith("bad") else [Hit(each, "s", 0, 1, each)]
            for each in question
        )


def told(answer: Any, step: str) -> Any:
    (span,) = [each for each in answer.trace if each.step == step]
    return span.notes


ANSWER = """
    ask:
      - {type: ./parts.py:words}
      - {map: part, over: words, at_most: 3%s}
      - {type: ./parts.py:Fuse, hits: map}
      - {type: ./parts.py:reply}
    flows:
      part:
        inputs: {question: str, k: int}
        steps: [{type: test_language_map:Look}]
"""


def opened(on_error: str = "") -> Pipeline:
    found = checked(ANSWER % on_error, allow=("test_language_map", *_PARTS))
    assert found.pipeline is not None, [str(each) for each in found.diagnostics]
    return Pipeline(found.pipeline, engine=Engine())


_PARTS = (str(Path(__file__).parent / "parts.py"),)


def test_a_flow_is_run_for_each_item() -> None:
    assert [each.text for each in run(MAP, inputs={"question": "a b", "k": 9})] == ["b", "b"]


def test_all_items_of_all_questions_are_one_batch() -> None:
    BATCHES.clear()
    with opened() as ready:
        answers = ready.ask_batch(["a b", "c", "d e f"])
    assert BATCHES == [("a", "b", "c", "d", "e", "f")]
    assert [each.text for each in answers if isinstance(each, Answer)] == ["a b: 2", "c: 1", "d e f: 3"]


def test_of_too_many_items_the_first_are_taken_and_the_trace_says_so() -> None:
    with opened() as ready:
        answer = ready.ask("a b c d e")
    assert {hit.id for hit in answer.hits} == {"a", "b", "c"}
    assert told(answer, "map") == {"items": 3, "left_out": 2}


async def test_an_items_failure_is_the_questions_or_is_skipped() -> None:
    with opened() as ready:
        with pytest.raises(GenerationError, match="bad1 is bad"):
            ready.ask("a bad1 bad2")
        mixed = ready.ask_batch(["a bad1", "b"])
        assert [type(each) for each in mixed] == [GenerationError, Answer]
        with pytest.raises(GenerationError, match="bad1 is bad"):
            await ready.aask("a bad1 bad2")
    with opened(", on_error: skip") as ready:
        answer = ready.ask("a bad1 b")
        assert {hit.id for hit in answer.hits} == {"a", "b"}
        assert told(answer, "map") == {"items": 3, "skipped": 1, "errors": ["bad1 is bad."]}
        assert ready.ask("bad1").text == "bad1: 0"
        assert (await ready.aask("a bad1 b")).hits == answer.hits


def test_the_items_that_were_answered_are_known_as_well() -> None:
    text = """
        ask:
          - {type: ./parts.py:words, as: them}
          - {map: part, over: them, at_most: 9, on_error: skip, id: each}
          - {type: join, questions: each.items, answers: each}
        flows:
          part:
            inputs: {question: str, k: int}
            steps: [{type: test_language_map:Look}, {type: ./parts.py:reply}]
    """
    found = checked(text, allow=("test_language_map", *_PARTS))
    assert found.pipeline is not None, [str(each) for each in found.diagnostics]
    with Pipeline(found.pipeline, engine=Engine()) as ready:
        answer = ready.ask("a bad1 c")
    assert answer.text == "a\na: 1\n\nc\nc: 1"
    assert [hit.id for hit in answer.hits] == ["a", "c"]


def test_no_items_give_an_empty_list() -> None:
    text = MAP.replace("./parts.py:words", "./parts.py:first").replace(
        "over: split", "over: split, item: hits"
    )
    text = text.replace("      - split\n", "      - {type: ./parts.py:find}\n      - split\n")
    assert "`hits` of 'part'" in " ".join(says(text)) or says(text)
    with pipeline(MAP) as ready:
        assert ready.run("search", question=" x ") != []


@pytest.mark.parametrize(
    ("was", "now", "message"),
    [
        (", at_most: 3", "", "a map wants a bound: `at_most`, the most items that it takes"),
        ("at_most: 3", "at_most: 0", "at_most wants a number from 1 to 1000, not 0"),
        ("over: split, ", "", "a map wants `over`, the name of a list"),
        ("over: split", "over: k", "`over` wants list[any], and 'k' is int"),
        ("over: split", "over: splt", "there is no value 'splt' at this step; did you mean 'split'?"),
        ("map: part", "map: prt", "`map` wants the name of a flow, not 'prt'; did you mean 'part'?"),
        ("map: part", "map: search", "flows call each other in a circle: search → search"),
        ("at_most: 3", "at_most: 3, on_error: go", "on_error wants fail or skip, not 'go'"),
        ("at_most: 3", "at_most: 3, item: q", "`item` wants the name of an input of 'part', not 'q'"),
        ("at_most: 3", "at_most: 3, item: k", "`k` of 'part' wants int, and an item is str"),
        ("at_most: 3", "at_most: 3, each: x", "a map has no 'each'"),
        (
            "hits: map",
            "hits: [map]",
            "`hits` of './parts.py:Fuse' wants list[Hit], and 'map' gives list[list[Hit]]",
        ),
    ],
)
def test_what_is_wrong_with_a_map(was: str, now: str, message: str) -> None:
    assert message in says(MAP.replace(was, now))


def test_a_map_that_nobody_reads() -> None:
    text = MAP.replace("- {type: ./parts.py:Fuse, hits: map}", "- {type: ./parts.py:find}")
    assert "nobody reads the output of 'map'; name it as an input of a later step, or remove it" in says(text)


def test_a_step_that_says_it_gives_a_list_and_doesnt() -> None:
    text = MAP.replace("split: {type: ./parts.py:words}", "split: {type: ./parts.py:anything}")
    text = text.replace("      - split", "      - {use: split, hits: question}")
    text = text.replace("at_most: 3", "at_most: 3, item: question")
    with (
        pipeline(text) as ready,
        pytest.raises(StepError, match=r"goes over a list, .* of type str"),
    ):
        ready.search("x")


def test_its_steps_are_recorded_item_by_item(tmp_path: Path) -> None:
    with opened() as ready:
        recording = ready.record("a b")
    steps = [(each.step, [hit.id for hit in each.hits or ()]) for each in recording.steps]
    assert [each for each in steps if each[0] == "map.Look"] == [("map.Look", ["a"]), ("map.Look", ["b"])]


def test_it_is_drawn() -> None:
    with pipeline(MAP) as ready:
        graph = ready.graph()
        assert "part for each, at_most=3" in tree(graph)
        assert '[label="each"]' in dot(graph)


def test_errors_of_a_batch_stay_apart() -> None:
    with opened() as ready:
        mixed = ready.ask_batch(["a", "bad1 x", "b bad2", "c d"])
    assert [str(each) if isinstance(each, RagbraidError) else each.text for each in mixed] == [
        "a: 1", "bad1 is bad.", "bad2 is bad.", "c d: 2",
    ]  # fmt: skip


def test_an_input_that_is_clearly_the_items() -> None:
    text = """
        search:
          - {type: ./parts.py:words}
          - {map: %s, over: words, at_most: 2%s}
          - {type: ./parts.py:Fuse, hits: map}
        flows:
          one: {inputs: {text: str, k: int}, steps: [{type: ./parts.py:find, question: text}]}
          two: {inputs: {a: str, b: str}, steps: [{type: ./parts.py:find, question: a, k: {value: 1}},
                {type: ./parts.py:rewrite, question: b, as: c}, {type: ./parts.py:find, id: g, question: c,
                k: {value: 1}}, {type: ./parts.py:Fuse, hits: [find, g]}]}
    """
    unclear = "'two' has no input that is clearly the item's, str; name it: `item: NAME`"
    assert unclear in says(text % ("two", ""))
    wanting = "'two' wants the input `b` (str), and no earlier step gives it"
    assert says(text % ("two", ", item: a")) == [wanting]
    assert says(text % ("one", "")) == []
