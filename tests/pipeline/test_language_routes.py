"""The pipeline language: a route for each question, steps that see less, replies, refusals and tools."""

from __future__ import annotations

import re
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from language import PARTS, checked, pipeline, run, says

from ragbraid.errors import DeadlineExceeded, StepError
from ragbraid.pipeline.pipeline import Pipeline
from ragbraid.types import Answer

ROUTER = """
components:
  embedder: {type: testing/hash-embedder, dimensions: 256}
  index: {type: testing/list-index, embedder: embedder}
  scripted: {type: ./parts.py:Scripted, answers: ['{"order": "A-1"}', '{"order": "B-2"}']}
  intents:
    type: semantic-router
    embedder: embedder
    cache: null
    routes:
      greeting: [hello there, good morning, how are you]
      pay: [what does the boss earn, salary of my colleague]
      german: [wie lange ist das, wo steht das geschrieben]
      orders: {patterns: ['order [a-z]-\\d']}
fields: {lang: str}
"""
FLOWS = """
ask:
  - route: intents
    to:
      greeting: {type: reply, text: Hello.}
      pay: {type: refuse, text: Not that.}
      german: {only: {lang: de}, then: answered}
      orders: {type: tool, call: {type: ./parts.py:order_state}, generator: scripted}
    otherwise: answered
flows:
  answered: [{type: dense, index: index}, {type: quote, short: false, abstain: never}]
ingest: [{type: files}, {type: testing/fixed-splitter}, index]
"""


RELEASE = threading.Event()


def endless() -> str:
    """Comes back when its test is over."""
    RELEASE.wait(30)
    return "too late"


@pytest.fixture
def opened(tmp_path: Path) -> Any:
    for name, text in {
        "en.md": "The leave is twelve weeks long.",
        "de.md": "Der Urlaub ist zwölf Wochen lang.",
    }.items():
        (tmp_path / name).write_text(text, "utf-8")
        (tmp_path / f"{name}.meta.yaml").write_text(f"lang: {name[:2]}", "utf-8")
    with pipeline(ROUTER + FLOWS) as made:
        made.ingest(tmp_path)
        yield made


def test_each_question_goes_its_way(opened: Pipeline) -> None:
    assert opened.ask("good morning, hello") == Answer("Hello.", confidence=1.0)
    refused = opened.ask("what does my colleague earn")
    assert (refused.text, refused.abstained, refused.citations) == ("Not that.", True, ())
    assert "twelve weeks" in opened.ask("how long is the leave of twelve weeks").text
    assert [each.citations[0].source[-5:] for each in (opened.ask("wie lange ist das, twelve weeks?"),)] == [
        "de.md"
    ]
    assert opened.ask("what of order A-1").text == "A-1 is on its way"
    asked = opened.ask("what of order A-9")
    assert (asked.text, asked.abstained) == ("To answer that I need to know: order.", True)


def test_questions_of_a_batch_go_ways_of_their_own(opened: Pipeline) -> None:
    questions = ["hello there", "wie lange ist das", "volcanoes", "salary of the boss", ""]
    found = opened.ask_batch(questions)
    assert [getattr(each, "text", None) for each in (found[0], found[3])] == ["Hello.", "Not that."]
    assert {hit.source[-5:] for hit in found[1].hits} == {"de.md"}
    assert {hit.source[-5:] for hit in found[2].hits} == {"de.md", "en.md"}
    assert "empty" in str(found[4])


def test_a_filter_only_narrows_what_may_be_seen(opened: Pipeline) -> None:
    assert opened.ask("wie lange ist das", filter={"lang": "en"}).hits == ()
    assert len(opened.ask("wie lange ist das", filter={"lang": "de"}).hits) == 1


def test_rounds_of_a_loop_and_items_of_a_map_see_no_more(tmp_path: Path) -> None:
    text = """
        components:
          embedder: {type: testing/hash-embedder}
          index: {type: testing/list-index, embedder: embedder}
        ingest: [{type: files}, {type: testing/fixed-splitter}, index]
        search:
          - only: {lang: de}
            then:
              - {type: lexical, index: index}
              - {repeat: again, until: {type: ./parts.py:few, least: {value: 99}}, at_most: 2, deadline: 20}
        flows:
          again:
            inputs: {question: str, k: int, hits: hits}
            steps:
              - {type: dense, index: index}
              - {type: rrf, hits: [inputs.hits, dense]}
    """
    for name in ("en.md", "de.md"):
        (tmp_path / name).write_text("The leave is twelve weeks long.", "utf-8")
        (tmp_path / f"{name}.meta.yaml").write_text(f"lang: {name[:2]}", "utf-8")
    with pipeline(text) as made:
        made.ingest(tmp_path)
        assert {each.source[-5:] for each in made.search("leave of weeks")} == {"de.md"}


def test_the_question_is_embedded_once(opened: Pipeline) -> None:
    opened.ask("warm up")
    trace = opened.ask("volcanoes erupt").trace
    assert [each.step for each in trace if each.step.endswith("/embed")] == ["route/embed"]
    (decided,) = (each for each in trace if each.step == "route")
    assert decided.notes["route"] == "otherwise"
    assert 0 <= decided.notes["confidence"] <= 1


def test_ways_are_called_as_their_routes_and_set_by_them() -> None:
    changed = {"ask.greeting.text": "Good day.", "ask.pay.text": "No."}
    with pipeline(ROUTER + FLOWS, set=changed) as made:
        assert made.ask("hello there").text == "Good day."
        assert made.ask("salary of my colleague").text == "No."


def test_async_and_streams_go_the_same_ways(opened: Pipeline) -> None:
    for asked in ("hello there", "wie lange ist das", "what of order A-1"):
        *_, last = opened.stream(asked)
        if "order" not in asked:
            assert last.value == opened.ask(asked)
        assert last.kind == "answer"


@pytest.mark.parametrize(
    ("steps", "said"),
    [
        ("{route: intents, to: {greeting: A, pay: A, german: A, orders: A}}", "wants `otherwise`"),
        ("{route: intents, otherwise: A}", "a route wants `to`"),
        ("{route: intents, to: {}, otherwise: A}", "a route wants `to`"),
        ("{route: intents, to: {greeting: A, pay: A, german: A}, otherwise: A}", "where 'orders' leads"),
        ("{route: intents, to: {greetings: A}, otherwise: A}", "'greetings'; did you mean 'greeting'?"),
        ("{route: intents, to: {otherwise: A}, otherwise: A}", "stands beside `to`"),
        ("{route: embedder, to: {greeting: A}, otherwise: A}", "wants a component of kind Router"),
        ("{route: nothing, to: {greeting: A}, otherwise: A}", "there is no component 'nothing'"),
        ("{route: intents, to: {greeting: A, pay: A, german: A, orders: {type: lexical, index: index}},"
         " otherwise: A}",
         "the branches differ: `greeting` gives Answer, `orders` gives list[Hit]"),
        ("{route: intents, to: {greeting: A}, otherwise: A, els: A}", "has no 'els'"),
        ("{only: {colour: red}, then: A}", "`only`: "),
        ("{only: {lang: 3}, then: A}", "declared as str"),
        ("{only: de, then: A}", "wants a filter, such as {lang: de}"),
        ("{only: {lang: de}}", "wants `then`"),
        ("{type: reply, text: ' '}", "says nothing"),
        ("{type: tool, call: {type: ./parts.py:order_state}}", "a `generator` is to fill it in"),
        ("{type: tool, call: {type: ./parts.py:first}, generator: scripted}", "no str, int, float, bool"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_route_is_said(steps: str, said: str) -> None:
    steps = re.sub(r"\bA\b", "{type: reply, text: x}", steps)
    text = f"{ROUTER}\nask: [{steps}]"
    found = says(text)
    assert any(said in each for each in found), found


@pytest.mark.parametrize(
    ("routes", "said"),
    [
        ("[a]", "5:13: error: routes: wants Path or Mapping[str, list[str] or Route], not a list"),
        ("{a: b}", "5:17: error: routes: a wants a list or a mapping, not 'b'"),
        ("{a: [1, 2]}", "5:18: error: routes: a[0] wants a text, not 1"),
        ("{a: [x], b: [y, X]}",
         "5:29: error: the utterance 'X' stands in 'a' and in 'b', and at file.yaml:5:18"),
        ("{a: {utterance: [x]}}", "5:29: error: routes: a has no 'utterance'; did you mean 'utterances'?"),
        ("{a: {k: 1}}",
         "5:21: error: routes: a has no 'k'; "
         "it has utterances, patterns, where, collections, by and threshold"),
        ("{a: {utterances: x}}", "5:30: error: routes: a.utterances wants a list, not 'x'"),
        ("{a: {utterances: [x], by: luck}}",
         "5:39: error: routes: a.by wants 'meaning' or 'words', not 'luck'"),
        ("{a: {utterances: [x], threshold: .nan}}",
         "5:46: error: routes: a.threshold wants a number, not '.nan'"),
        ("{a: {patterns: x}}", "5:28: error: routes: a.patterns wants a list, not 'x'"),
        ("{a: {where: owner}}", "5:25: error: routes: a.where wants a mapping, not 'owner'"),
        ("{a: {where: {n: null}}}",
         "5:29: error: routes: a.where.n wants a text or a number or true or false or a list, not nothing"),
        ("{a: {utterances: [[x]]}}", "5:31: error: routes: a.utterances[0] wants a text, not a list"),
        ("{a: [what: now]}", "5:18: error: routes: a[0] wants a text, not a mapping"),
    ],
)  # fmt: skip
def test_routes_of_the_wrong_form_are_told_by_what_is_wrong_in_them(routes: str, said: str) -> None:
    text = f"""
components:
  intents:
    type: semantic-router
    routes: {routes}
"""
    found = [str(each) for each in checked(text).diagnostics if "flow" not in each.message]
    assert found == [f"file.yaml:{said}"]


def test_routes_that_contradict_each_other_are_told_with_both_places() -> None:
    text = """
        components:
          intents:
            type: semantic-router
            routes:
              a:
                - Where is my order?
              b:
                - where is  my order
              c: []
    """
    found = [str(each) for each in checked(text).diagnostics if "flow" not in each.message]
    assert found == [
        "file.yaml:9:11: error: the utterance 'where is  my order' stands in 'a' and in 'b', "
        "and at file.yaml:7:11",
        "file.yaml:10:10: error: the route 'c' is empty: it wants utterances, patterns, or for whom it is",
    ]


def test_a_tool_that_raises_is_named() -> None:
    with pytest.raises(StepError, match="The tool 'broken_tool' failed with ZeroDivisionError"):
        run("ask: [{type: tool, call: {type: ./parts.py:broken_tool}}]", "ask")


@pytest.mark.parametrize(
    ("deadline", "timeout", "error", "said"),
    [
        (0.2, None, StepError, r"^The tool 'endless' took longer than 0\.2 s\. Raise its `deadline`"),
        (60, 0.2, DeadlineExceeded, r"^The time allowed for this run is up\."),
    ],
)
def test_a_tool_that_never_ends_is_left_behind(
    deadline: float, timeout: float | None, error: type[Exception], said: str
) -> None:
    text = f"ask: [{{type: tool, call: {{type: test_language_routes:endless}}, deadline: {deadline}}}]"
    RELEASE.clear()
    began = time.monotonic()
    with pipeline(text, allow=("test_language_routes", *PARTS)) as made:
        with pytest.raises(error, match=said):
            made.ask("x", timeout=timeout)
        assert time.monotonic() - began < 15
    RELEASE.set()


def test_the_model_alone_answers_without_citations() -> None:
    text = """
        components: {said: {type: ./parts.py:Scripted, answers: [Once upon a time.]}}
        ask: [{type: direct, generator: said}]
    """
    found = run(text, "ask")
    assert (found.text, found.citations, found.confidence) == ("Once upon a time.", (), 0.0)
