"""Questions of several parts, part by part."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragbraid.context import Context
from ragbraid.errors import InputError
from ragbraid.generate.protocol import JsonSchema
from ragbraid.testing.fakes import ScriptedGenerator
from ragbraid.transform.decompose import Decompose


@pytest.mark.parametrize(
    ("question", "wanted"),
    [
        ("Who drew the map? And what does it show?", ["Who drew the map?", "What does it show (drew map)?"]),
        ("When was the horn off, and why?", ["When was the horn off?", "Why (horn)?"]),
        ("Who is the nurse and what does a doctor cost?", ["Who is the nurse?", "What does a doctor cost?"]),
        ("How do I test it, and what does a tool do?", ["How do I test it?", "What does a tool do?"]),
        ("Which is higher, the tower or Nordhei?", ["How high is the tower?", "How high is Nordhei?"]),
        ("Is the church older than the mill?", ["How old is the church?", "How old is the mill?"]),
        ("Is bread more expensive than fish?", ["How expensive is bread?", "How expensive is fish?"]),
        ("Which is larger: Rome or Milan?", ["How large is Rome?", "How large is Milan?"]),
        ("What is the difference between DOCX and ODT?", ["What is DOCX?", "What is ODT?"]),
        ("Compare the age of oak and elm.", ["What is the age of oak?", "What is the age of elm?"]),
        ("How high are the lighthouse and Nordhei?", ["How high is the lighthouse?", "How high is Nordhei?"]),
    ],
)  # fmt: skip
def test_rules_find_the_parts(question: str, wanted: list[str]) -> None:
    context = Context()
    assert Decompose()(question, context) == wanted
    assert context.notes == {"parts": {"questions": wanted, "by": "rules"}}


@pytest.mark.parametrize(
    "question",
    [
        "Who wrote Romeo and Juliet?", "How does the ferry get to Sund?", "What do cats and dogs eat?",
        "How long is the path that leads up and down the hill?", "?", "Why",
        "How do I get from Brenna to Sund?",
    ],
)  # fmt: skip
def test_a_question_of_one_part_stays_one(question: str) -> None:
    context = Context()
    assert Decompose()(question, context) == [question]
    assert context.notes == {}


def test_a_generator_is_asked_where_rules_find_one_part_of_what_looks_like_more() -> None:
    generator = ScriptedGenerator(('["Where was the pastor born?", "What is its capital?", "  "]',)).open()
    hard = "What is the capital of the country that the pastor was born in?"
    assert Decompose(generator)(hard, Context()) == ["Where was the pastor born?", "What is its capital?"]
    (request,) = generator.requests
    assert isinstance(request.constraint, JsonSchema)
    assert Decompose(generator)("How high is the tower?", Context()) == ["How high is the tower?"]
    assert len(generator.requests) == 1


@pytest.mark.parametrize("written", ['["Who was', "{}", "[]", "[3]", '[" "]'])
def test_what_is_no_list_of_questions_leaves_the_question(written: str) -> None:
    hard = "Who lives in the house that stands on the hill?"
    assert Decompose(ScriptedGenerator((written,)).open())(hard, Context()) == [hard]


def test_there_are_at_most_so_many_and_an_empty_question_is_refused() -> None:
    many = "Who was it? Where was it? When was it? How was it?"
    assert len(Decompose(most=3)(many, Context())) == 3
    with pytest.raises(InputError):
        Decompose()("  ", Context())


@given(st.text(alphabet="who is the Tower and, or? higher than a ", min_size=1, max_size=120))
def test_any_text_gives_questions_that_can_be_asked(text: str) -> None:
    try:
        found = Decompose()(text, Context())
    except InputError:
        return
    assert 1 <= len(found) <= 4
    assert all(each.strip() for each in found)
