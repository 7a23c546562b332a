"""Questions in other words: a generator's, and the corpus's own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ragbraid.context import Context
from ragbraid.errors import GenerationError, InputError
from ragbraid.index.protocol import Change, Entry
from ragbraid.testing.fakes import ScriptedGenerator
from ragbraid.testing.list_index import ListIndexRuntime
from ragbraid.transform.acronyms import Acronyms
from ragbraid.transform.hyde import Hyde
from ragbraid.transform.multi_query import MultiQuery
from ragbraid.transform.spelling import Spelling
from ragbraid.types import Chunk, Document

TEXTS = (
    "Every employee has paid time off (PTO) of 27 days a year, beside parental leave.",
    "PTO (paid time off) is asked for in the portal. Parental leave is 14 months.",
    "The portal keeps a record. Trains are booked in second class.",
    "LOUD (see the manual) is a setting, and the ACME grinder has one.",
)


@pytest.fixture(scope="module")
def index() -> Iterator[ListIndexRuntime]:
    made = ListIndexRuntime(None)
    for number, text in enumerate(TEXTS):
        chunk = Chunk(str(number), 0, len(text), text, id=str(number))
        made.upsert([Change(str(number), [Entry(Document(str(number), text), [chunk], None)])])
    yield made
    made.close()


@pytest.mark.parametrize(
    ("asked", "wanted"),
    [
        ("How long is parentel leave?", "How long is parental leave?"),
        ("Are trians bokoed?", "Are trains booked?"),
        ("Portall", "Portal"),
        ("How long is parental leave?", "How long is parental leave?"),
        ("Who is Xyzzyx?", "Who is Xyzzyx?"),
        ("Is it portl2 or portl_x?", "Is it portl2 or portl_x?"),
    ],
)
def test_words_that_nothing_has_are_spelt_as_the_corpus_does(
    index: ListIndexRuntime, asked: str, wanted: str
) -> None:
    context = Context()
    assert Spelling(index)(asked, context) == wanted
    assert bool(context.notes) == (asked != wanted)


def test_abbreviations_are_written_out_as_the_corpus_does(index: ListIndexRuntime) -> None:
    context = Context()
    assert Acronyms(index)("How much PTO do I have?", context) == "How much PTO (paid time off) do I have?"
    assert context.notes["written_out"] == {"PTO": "paid time off"}
    for each in ("What is LOUD?", "What is ACME?", "How is PTO, paid time off, asked for?", "WHAT IS PTO?"):
        assert Acronyms(index)(each, Context()) == each


def test_a_generator_words_it_otherwise_and_the_question_stays_first() -> None:
    worded = '["How much holiday is there?", "What is PTO", "Days off?", "One more?"]'
    found = MultiQuery(ScriptedGenerator((worded,)).open())("What is PTO?", Context())
    assert found == ["What is PTO?", "How much holiday is there?", "Days off?", "One more?"]
    assert MultiQuery(ScriptedGenerator(('["cut off',)).open())("What is PTO?", Context()) == ["What is PTO?"]


def test_a_passage_is_imagined_behind_the_question() -> None:
    found = Hyde(ScriptedGenerator((" Each year has 27 days. ",)).open())("What is PTO?", Context())
    assert found == "What is PTO?\nEach year has 27 days."
    assert Hyde(ScriptedGenerator(("",)).open())("What is PTO?", Context()) == "What is PTO?"


def test_a_failing_generator_and_an_empty_question_say_so(index: ListIndexRuntime) -> None:
    silent = ScriptedGenerator(()).open()
    for step in (Hyde(silent), MultiQuery(silent)):
        with pytest.raises(GenerationError):
            step("What is PTO?", Context())
    for step in (Hyde(silent), MultiQuery(silent), Spelling(index), Acronyms(index)):  # type: ignore[assignment]
        with pytest.raises(InputError):
            step(" ", Context())
