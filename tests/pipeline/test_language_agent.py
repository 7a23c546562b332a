"""The pipeline language: an agent, that is steps which a generator calls as it likes, within bounds."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pytest
import yaml
from language import PARTS, checked, says

from ragbraid import Pipeline
from ragbraid.context import Context
from ragbraid.errors import Cancelled, DeadlineExceeded, GenerationError
from ragbraid.pipeline.drawing.dot import dot
from ragbraid.pipeline.drawing.mermaid import mermaid
from ragbraid.pipeline.drawing.tree import tree
from ragbraid.pipeline.engine import Engine
from ragbraid.types import Answer, Hit

ALLOW = ("test_language_agent", *PARTS)
RELEASE = threading.Event()
CALLED: list[Any] = []


def state(order: str, language: Literal["en", "de"]) -> str:
    """Tells where an order is."""
    CALLED.append((order, language))
    return f"{order} is on its way" if language == "en" else f"{order} ist unterwegs"


def total(price: float, pieces: int) -> dict[str, float]:
    """Multiplies."""
    return {"total": price * pieces}


def breaks(question: str) -> str:
    """Fails."""
    raise ValueError(f"no luck with {question}")


def fails(question: str) -> list[Hit]:
    """Fails as well."""
    raise ValueError(f"no luck with {question}")


def never(question: str) -> list[Hit]:
    """Doesn't come back."""
    RELEASE.wait(30)
    return []


def nothing(question: str) -> list[Hit]:
    """Finds nothing."""
    return []


@dataclass(frozen=True, slots=True)
class Patient:
    """Waits, and looks whether it shall stop."""

    def __call__(self, question: str, context: Context) -> list[Hit]:
        while not RELEASE.wait(0.002):
            context.check()
        return []


def refuses(question: str) -> Answer:
    """Doesn't know."""
    return Answer("I found nothing.", abstained=True)


def call(tool: str, **arguments: Any) -> str:
    return json.dumps({"name": tool, "arguments": arguments})


REPLY = json.dumps({"reply": "done"})
HITS = """
    ask:
      - agent: {{type: ./parts.py:Scripted, answers: {answers}}}
        tools: [look_up, {tools}]
        at_most: {at_most}
        deadline: {deadline}
        {more}
      - {{type: ./parts.py:reply}}
    flows:
      look_up:
        inputs: {{question: str, k: int}}
        steps: [{{type: ./parts.py:find, k: {{value: 1}}}}]
"""


def agent(
    *answers: str,
    tools: str = "{type: test_language_agent:nothing}",
    at_most: int = 4,
    deadline: float = 60,
    more: str = "",
    text: str = HITS,
) -> Pipeline:
    given = json.dumps(list(answers))
    written = text.format(answers=given, tools=tools, at_most=at_most, deadline=deadline, more=more)
    found = checked(written, allow=ALLOW)
    assert found.pipeline is not None, [str(each) for each in found.diagnostics]
    return Pipeline(found.pipeline, engine=Engine())


def told(answer: Answer) -> tuple[list[dict[str, Any]], str]:
    """The calls that the trace tells of, without their times, and what ended the agent."""
    (span,) = [each for each in answer.trace if each.step == "agent"]
    return [{name: value for name, value in each.items() if name != "ms"} for each in span.notes["calls"]], (
        span.notes["ended"]
    )


@pytest.fixture(autouse=True)
def _released() -> Iterator[None]:
    RELEASE.clear()
    CALLED.clear()
    yield
    RELEASE.set()


LOOKED_UP = {"tool": "look_up", "arguments": {"question": "pumps"}, "hits": 2}


async def test_the_model_chooses_the_tools_and_every_call_is_in_the_trace() -> None:
    answers = (call("look_up", question="pumps"), call("nothing", question="x"), REPLY)
    with agent(*answers, *answers, *answers) as ready:
        single = ready.ask("what of pumps?")
        assert [each.text for each in single.hits] == ["pumps", "pumps"]
        empty = {"tool": "nothing", "arguments": {"question": "x"}, "hits": 0}
        assert told(single) == ([LOOKED_UP, empty], "reply")
        assert [each.step for each in single.trace if each.step.endswith("find")] == ["agent.look_up.find"]
        awaited = await ready.aask("what of pumps?")
        assert (awaited, told(awaited)) == (single, told(single))
        *_, last = ready.stream("what of pumps?")
        assert (last.kind, last.value, told(last.value)) == ("answer", single, told(single))


def test_a_batch_is_chosen_for_together_and_called_for_apart() -> None:
    first = (call("look_up", question="a"), call("nothing", question="b"))
    with agent(*first, REPLY, call("look_up", question="c"), REPLY) as ready:
        one, other = ready.ask_batch(["x", "y"])
    assert isinstance(one, Answer)
    assert isinstance(other, Answer)
    assert ([each.text for each in one.hits], [each.text for each in other.hits]) == (["a"] * 2, ["c"] * 2)


def test_the_model_is_told_what_a_tool_gave_and_held_to_its_arguments() -> None:
    with agent(call("look_up", question="pumps"), REPLY) as ready:
        ready.ask("what of pumps?")
        (runtime,) = [
            each.runtime
            for each in ready._life.engine._opened.values()
            if each.is_open and hasattr(each.runtime, "requests")
        ]
    first, second = runtime.requests
    schema = json.dumps(dict(first.constraint.schema))
    assert '"const": "look_up"' in schema
    assert '"reply"' not in schema
    assert '"reply"' in json.dumps(dict(second.constraint.schema))
    assert second.prompt[-1].content == "Result of look_up: [1] pumps\n[2] pumps"


def test_there_are_never_more_calls_than_at_most() -> None:
    calls = [call("look_up", question=f"q{number}") for number in range(9)]
    with agent(*calls, at_most=3) as ready:
        calls, ended = told(ready.ask("x"))
    assert ([each["arguments"]["question"] for each in calls], ended) == (["q0", "q1", "q2"], "at_most")


def test_a_model_that_calls_in_circles_is_stopped() -> None:
    one, other = call("look_up", question="a"), call("nothing", question="a")
    with agent(one, other, one, other, one, at_most=50) as ready:
        calls, ended = told(ready.ask("x"))
    assert ([each["tool"] for each in calls], ended) == (["look_up", "nothing"], "no progress")


def test_a_tool_that_raises_is_told_to_the_model_and_in_the_trace() -> None:
    answers = call("breaks", question="a"), call("look_up", question="pumps"), REPLY
    with agent(*answers, tools="{type: test_language_agent:fails, id: breaks}") as ready:
        answer = ready.ask("x")
    (failed, found), ended = told(answer)
    assert failed["error"] == "The step 'agent.breaks' failed with ValueError: no luck with a"
    assert (found, ended, len(answer.hits)) == (LOOKED_UP, "reply", 2)


def test_a_tool_that_never_ends_costs_its_own_time_and_the_rest_goes_on() -> None:
    answers = call("never", question="a"), call("look_up", question="pumps"), REPLY
    tools = "{type: test_language_agent:never}"
    with agent(*answers, tools=tools, more="call_deadline: 0.2") as ready:
        answer = ready.ask("x")
        (failed, found), ended = told(answer)
        RELEASE.set()
    assert failed["error"] == "it took longer than 0.2 s"
    assert (found, ended, len(answer.hits)) == (LOOKED_UP, "reply", 2)


async def test_the_deadline_ends_it_with_what_was_found_until_then() -> None:
    answers = call("look_up", question="pumps"), call("never", question="a"), REPLY
    with agent(*answers, *answers, tools="{type: test_language_agent:never}", deadline=0.4) as ready:
        began = time.monotonic()
        answer = ready.ask("x")
        assert time.monotonic() - began < 15
        (found, failed), ended = told(answer)
        assert (found, failed["tool"], ended, len(answer.hits)) == (LOOKED_UP, "never", "deadline", 2)
        RELEASE.set()


async def test_cancelling_leaves_nothing_running() -> None:
    patient = "{type: test_language_agent:Patient}"
    calls = [call("Patient", question="a")] * 3
    ready = agent(*calls, tools=patient)
    with pytest.raises(DeadlineExceeded):
        ready.ask("x", timeout=0.1)
    with pytest.raises(DeadlineExceeded):
        await ready.aask("x", timeout=0.1)
    events = ready.stream("x")
    stopper = threading.Timer(0.1, ready.close)
    stopper.start()
    *_, last = events
    stopper.join()
    assert isinstance(last.value, Cancelled)
    assert ready.close() == []
    assert [each for each in threading.enumerate() if each.name == "ragbraid"] == []


def test_a_generator_that_fails_fails_the_question() -> None:
    with (
        agent(call("look_up", question="a")) as ready,
        pytest.raises(GenerationError, match="no answer left"),
    ):
        ready.ask("x")


@pytest.mark.parametrize(
    ("said", "ended"),
    [('{"name": "look_up", "arguments": {"que', "no call"), ("Nothing more.", "reply"), ("[]", "reply")],
)
def test_what_is_no_call_ends_it(said: str, ended: str) -> None:
    with agent(call("look_up", question="pumps"), said) as ready:
        assert told(ready.ask("x")) == ([LOOKED_UP], ended)


ANSWERS = """
    ask:
      - agent: {{type: ./parts.py:Scripted, answers: {answers}}}
        tools: [look_up, {tools}]
        at_most: {at_most}
        deadline: {deadline}
        {more}
    flows:
      look_up: [{{type: ./parts.py:find}}, {{type: ./parts.py:reply}}]
"""
STATE = "{type: test_language_agent:state}"


def test_answers_and_what_functions_give_are_joined() -> None:
    answers = (
        call("state", order="A-1", language="en"),
        call("look_up", question="pumps"),
        call("total", price=2.5, pieces=3),
        REPLY,
    )
    tools = f"{STATE}, {{type: test_language_agent:total}}"
    with agent(*answers, tools=tools, text=ANSWERS) as ready:
        answer = ready.ask("where is A-1, what of pumps, and what are 3 at 2.50?")
    assert answer.text == (
        "state: A-1, en\nA-1 is on its way\n\npumps\npumps: 11\n\ntotal: 2.5, 3\n" + '{"total": 7.5}'
    )
    assert answer.usage.calls == 4
    assert not answer.abstained
    assert [each["tool"] for each in told(answer)[0]] == ["state", "look_up", "total"]


def test_one_answer_alone_stays_as_it_is() -> None:
    with agent(call("state", order="A-1", language="de"), REPLY, tools=STATE, text=ANSWERS) as ready:
        answer = ready.ask("Wo ist A-1?")
    assert (answer.text, answer.confidence) == ("A-1 ist unterwegs", 1.0)


def test_an_answer_to_a_question_of_the_models_own_says_so() -> None:
    for asked, text in (("pumps?", "pumps?\npumps?: 11"), ("What of  pumps?", "What of  pumps?: 11")):
        with agent(call("look_up", question=asked), REPLY, tools=STATE, text=ANSWERS) as ready:
            assert ready.ask("what of pumps?").text == text


def test_an_argument_that_nobody_said_is_not_called_with() -> None:
    made_up = call("state", order="B-2", language="en")
    with agent(made_up, REPLY, tools=STATE, text=ANSWERS) as ready:
        answer = ready.ask("where is A-1?")
    assert CALLED == []
    assert (answer.text, answer.abstained) == ("No tool gave an answer to this.", True)
    error = "nobody said order 'B-2': it stands neither in the question nor in a result"
    assert told(answer)[0] == [
        {"tool": "state", "arguments": json.loads(made_up)["arguments"], "error": error}
    ]
    with agent(made_up, REPLY, tools=STATE, text=ANSWERS, more="made_up: true") as ready:
        assert ready.ask("where is A-1?").text == "B-2 is on its way"


def test_an_argument_may_come_of_an_earlier_result() -> None:
    answers = call("state", order="A-1", language="en"), call("state", order="way", language="en"), REPLY
    with agent(*answers, tools=STATE, text=ANSWERS) as ready:
        ready.ask("where is A-1?")
    assert CALLED == [("A-1", "en"), ("way", "en")]


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"order": "A-1"}, "the argument language is missing"),
        ({"order": 1, "language": "en"}, 'the argument order doesn\'t fit {"type": "string"}'),
        ({"order": "A-1", "language": "fr"}, 'the argument language doesn\'t fit {"enum": ["en", "de"]}'),
        ({"order": "A-1", "language": "en", "more": 1}, "there is no argument more"),
    ],
)
def test_arguments_of_engines_that_hold_to_no_schema_are_looked_at(
    arguments: dict[str, Any], error: str
) -> None:
    with agent(call("state", **arguments), REPLY, tools=STATE, text=ANSWERS) as ready:
        (made,), _ = told(ready.ask("where is A-1?"))
    assert made["error"] == error
    assert CALLED == []


def test_where_no_tool_knows_it_says_so() -> None:
    answers = call("refuses", question="a"), call("breaks", question="b"), REPLY
    tools = "{type: test_language_agent:refuses}, {type: test_language_agent:breaks}"
    with agent(*answers, tools=tools, text=ANSWERS) as ready:
        answer = ready.ask("x")
    assert (answer.text, answer.abstained) == ("I found nothing.", True)
    assert told(answer)[0][1]["error"] == ("The step 'agent.breaks' failed with ValueError: no luck with b")


SCOPED = """
    components:
      embedder: {type: testing/hash-embedder}
      index: {type: testing/list-index, embedder: embedder}
    ingest: [{type: files}, {type: testing/fixed-splitter}, index]
    search:
      - only: {lang: de}
        then:
          - agent: {type: ./parts.py:Scripted, answers: %s}
            tools: [{type: lexical, index: index}]
            at_most: 2
            deadline: 60
"""


def test_its_tools_see_no_more_than_the_run(tmp_path: Path) -> None:
    for name in ("en.md", "de.md"):
        (tmp_path / name).write_text("The leave is twelve weeks long.", "utf-8")
        (tmp_path / f"{name}.meta.yaml").write_text(f"lang: {name[:2]}", "utf-8")
    answers = json.dumps([call("lexical", question="leave"), REPLY] * 2)
    found = checked(SCOPED % answers, allow=ALLOW)
    assert found.pipeline is not None, [str(each) for each in found.diagnostics]
    with Pipeline(found.pipeline, engine=Engine()) as made:
        made.ingest(tmp_path)
        assert {each.source[-5:] for each in made.search("leave of weeks")} == {"de.md"}
        assert made.search("leave of weeks", filter={"lang": "en"}) == []


def test_a_tool_may_be_given_the_question_as_it_is() -> None:
    tools = "{id: same, use: look_up, question: inputs.question}"
    with agent(call("same"), REPLY, tools=tools) as ready:
        assert [each.text for each in ready.ask("pumps").hits] == ["pumps"] * 2


def test_it_is_drawn_and_told_in_the_words_of_the_file() -> None:
    more = 'describe: {look_up: "Looks in the handbook."}'
    with agent(more=more) as ready:
        graph = ready.graph()
        (step,) = [each for each in ready.steps("ask") if type(each).__name__ == "ToolChoice"]
        drawn = tree(graph)
        assert "agent" in drawn
        assert "at_most=4" in drawn
        assert '[label="tool"]' in dot(graph)
        assert "agent" in mermaid(graph)
    assert {each.name: each.description for each in step.tools} == {
        "look_up": "Looks in the handbook.",
        "nothing": "Finds nothing.",
    }


def test_it_is_written_as_it_was() -> None:
    with agent(more='describe: {look_up: "Looks."}\n        call_deadline: 5') as ready:
        written = yaml.safe_load(ready.to_yaml())["ask"][0]
    assert written["describe"] == {"look_up": "Looks."}
    assert (written["at_most"], written["deadline"], written["call_deadline"]) == (4, 60, 5)
    assert written["tools"][0] == "look_up"


RIGHT = """
    components:
      said: {type: ./parts.py:Scripted, answers: [x]}
      index: {type: testing/list-index}
    search:
      - {agent: said, tools: [look_up, {type: lexical, index: index}], at_most: 3, deadline: 9}
    flows:
      look_up:
        inputs: {question: str, k: int}
        steps: [{type: ./parts.py:find}]
"""


@pytest.mark.parametrize(
    ("was", "now", "message"),
    [
        (", at_most: 3", "", "an agent wants a bound: `at_most`, the most calls it may make"),
        ("at_most: 3", "at_most: 51", "at_most wants a number from 1 to 50, not 51"),
        (", deadline: 9", "", "an agent wants a second bound: `deadline`, the seconds it may take"),
        ("deadline: 9", "deadline: soon",
         "deadline wants seconds, more than 0 and at most 86400, not 'soon'"),
        ("deadline: 9", "deadline: 9, call_deadline: 0",
         "call_deadline wants seconds, more than 0 and at most 86400, not 0"),
        ("deadline: 9", "deadline: 9, made_up: 1", "made_up wants true or false, not 1"),
        ("deadline: 9", "deadline: 9, tool: x", "an agent has no 'tool'; did you mean 'tools'?"),
        ("deadline: 9", "deadline: 9, describe: x",
         "`describe` wants a mapping of tools to texts, not 'x'"),
        ("deadline: 9", "deadline: 9, describe: {lok_up: x}",
         "an agent's tools: it has no 'lok_up'; did you mean 'look_up'?"),
        ("deadline: 9", "deadline: 9, question: k", "`question` wants str, and 'k' is int"),
        ("agent: said", "agent: sad", "there is no component 'sad'; did you mean 'said'?"),
        ("agent: said", "agent: index", "wants a component of kind Generator"),
        ("[look_up, {type: lexical, index: index}]", "[]",
         "an agent wants `tools`, a list of steps, not a list"),
        ("tools: [look_up, {type: lexical, index: index}], ", "", "an agent wants `tools`, a list of steps"),
        ("[look_up,", "[lok_up,", "there is no component or flow 'lok_up'; did you mean 'look_up'?"),
        ("[look_up,", "[look_up, look_up,",
         "two steps have the id 'look_up'; give this one an `id` of its own"),
        ("[look_up,", "[search,", "flows call each other in a circle: search → search"),
        ("type: lexical, index: index", "type: ./parts.py:rewrite",
         "an agent's tools all give hits, or none does: 'look_up' gives hits, and 'rewrite' str; "
         "a flow that ends in a step that answers is no tool of hits"),
        ("type: lexical, index: index", "type: ./parts.py:count",
         "'./parts.py:count' wants the input `hits` (Sequence[Hit]), and no earlier step gives it"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_an_agent(was: str, now: str, message: str) -> None:
    assert was in RIGHT
    found = says(RIGHT.replace(was, now), allow=ALLOW)
    assert any(message in each for each in found), found
    assert len(found) == 1, found


def test_mistakes_stand_at_their_line_and_column() -> None:
    text = """
    components: {said: {type: ./parts.py:Scripted, answers: [x]}}
    search:
      - agent: said
        tools: [{type: ./parts.py:fnd}]
        deadline: never
    """
    assert [str(each) for each in checked(text).diagnostics] == [
        "file.yaml:4:5: error: an agent wants a bound: `at_most`, the most calls it may make",
        "file.yaml:5:20: error: ./parts.py has no 'fnd'; did you mean 'find'?",
        "file.yaml:6:15: error: deadline wants seconds, more than 0 and at most 86400, not 'never'",
    ]
