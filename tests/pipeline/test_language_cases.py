"""The pipeline language: a branch that takes one of many ways by a text."""

from __future__ import annotations

import pytest
from language import pipeline, run, says

from ragbraid.errors import StepError
from ragbraid.pipeline.drawing.tree import tree
from ragbraid.types import Answer

CASES = """
    search:
      - {type: ./parts.py:find}
      - {type: ./parts.py:intent}
      - when: intent
        cases:
          billing: {type: ./parts.py:first}
          small-talk: [{type: ./parts.py:find, id: more, k: {value: 1}}, {type: ./parts.py:first, id: one}]
        else: {type: ./parts.py:find, id: others, k: {value: 4}}
"""
ELSE = "        else: {type: ./parts.py:find, id: others, k: {value: 4}}\n"


def found(text: str, question: str) -> int:
    return len(run(text, inputs={"question": question, "k": 7}))


@pytest.mark.parametrize(("question", "hits"), [("my invoice", 1), ("hello", 1), ("weather", 5)])
def test_each_value_has_a_way_of_its_own(question: str, hits: int) -> None:
    assert found(CASES, question) == hits


def test_without_else_the_value_of_the_role_stays_as_it_is() -> None:
    assert [found(CASES.replace(ELSE, ""), each) for each in ("invoice", "weather")] == [1, 7]


def test_a_text_that_may_be_anything_takes_cases_too() -> None:
    text = CASES.replace("parts.py:intent", "parts.py:topic").replace("when: intent", "when: topic")
    assert [found(text, each) for each in ("billing please", "what else")] == [1, 5]


ANSWERS = """
    ask:
      - {type: ./parts.py:intent}
      - when: intent
        cases:
          billing: [{type: ./parts.py:find}, {type: ./parts.py:reply}]
          small-talk: [{type: ./parts.py:find, id: b}, {type: ./parts.py:reply, id: c}]
          other: [{type: ./parts.py:find, id: d, k: {value: 1}}, {type: ./parts.py:reply, id: e}]
"""
LAST = "          other: [{type: ./parts.py:find, id: d, k: {value: 1}}, {type: ./parts.py:reply, id: e}]\n"


def test_no_else_is_wanted_where_every_value_has_its_case() -> None:
    answer = run(ANSWERS, "ask", inputs={"question": "weather"})
    assert isinstance(answer, Answer)
    assert answer.text == "weather: 2"


def test_a_value_without_a_case_and_nothing_to_leave_as_it_is() -> None:
    assert says(ANSWERS.replace(LAST, "")) == [
        "a branch without `else` needs a value that it leaves as it is, or a case for 'other'"
    ]


def test_a_text_of_any_value_wants_else() -> None:
    text = ANSWERS.replace("parts.py:intent", "parts.py:topic").replace("when: intent", "when: topic")
    assert says(text) == ["a branch without `else` needs a value that it leaves as it is"]


@pytest.mark.parametrize(
    ("was", "now", "message"),
    [
        ("billing:", "biling:", "'intent' never gives 'biling'; did you mean 'billing'?"),
        ("when: intent", "when: find", "`when` wants str, and 'find' is list[Hit]"),
        ("when: intent", "when: [intent]", "`when` wants the name of a text, not a list"),
        (
            "billing: {type: ./parts.py:first}",
            "billing: {type: ./parts.py:count}",
            "the branches differ: `billing` gives int, `small-talk` gives list[Hit]",
        ),
        (
            "else: {type: ./parts.py:find, id: others, k: {value: 4}}",
            "else: {type: ./parts.py:count}",
            "the branches differ: `billing` gives list[Hit], `else` gives int",
        ),
        ("billing: {type: ./parts.py:first}", "billing: []", "`billing` has no steps"),
        ("else:", "then:", "a branch has `then` or `cases`, not both"),
    ],
)
def test_what_is_wrong_with_cases(was: str, now: str, message: str) -> None:
    assert message in says(CASES.replace(was, now))


@pytest.mark.parametrize(
    ("cases", "message"),
    [("{}", "`cases` has no case"), ("[find]", "`cases` wants a mapping of values to steps, not a list")],
)
def test_cases_are_a_mapping_of_values_to_steps(cases: str, message: str) -> None:
    text = (
        f"search: [{{type: ./parts.py:find}}, {{type: ./parts.py:intent}}, {{when: intent, cases: {cases}}}]"
    )
    assert message in says(text)


def test_a_step_that_gives_what_it_never_gives() -> None:
    text = """
        search:
          - {type: ./parts.py:liar}
          - when: liar
            cases: {a: {type: ./parts.py:find}, b: {type: ./parts.py:find, id: f}}
    """
    with pipeline(text) as opened:
        assert len(opened.run("search", question="a", k=2)) == 2
        with pytest.raises(StepError, match="'when' has no case for 'c': it has 'a' and 'b'"):
            opened.run("search", question="c")


def test_steps_in_cases_are_overridden_by_their_ids() -> None:
    assert len(run(CASES, inputs={"question": "weather", "k": 9}, set={"search.others.k": {"value": 2}})) == 3


def test_a_batch_goes_all_its_ways() -> None:
    with pipeline(ANSWERS) as opened:
        answers = opened.ask_batch(["invoice", "hello", "weather", "invoice again"])
    assert [each.text for each in answers if isinstance(each, Answer)] == [
        "invoice: 11",
        "hello: 11",
        "weather: 2",
        "invoice again: 11",
    ]


def test_it_is_drawn_with_its_cases() -> None:
    with pipeline(CASES) as opened:
        drawn = tree(opened.graph())
    assert [each.strip(" ├└─│") for each in drawn.splitlines() if "─ small-talk" in each] == ["small-talk"]
    assert "└─ when intent → hits" in " ".join(drawn.split())
