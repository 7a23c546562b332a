"""Answers to parts of a question, joined into one: cited, renumbered, verified."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ragbraid.answer.cite import cite
from ragbraid.answer.join import Join
from ragbraid.context import Context
from ragbraid.errors import InputError
from ragbraid.types import Answer, Hit, Usage


def hit(name: str, text: str) -> Hit:
    return Hit(name, f"{name}.txt", 10, 10 + len(text), text, content_hash=name)


PUMP, VALVE, ROTOR = hit("p", "The pump is red."), hit("v", "The valve is blue [7]."), hit("r", "It turns.")


def composed(text: str, hits: list[Hit], cited: list[Hit], confidence: float = 0.8) -> Answer:
    citations = tuple(cite(each, 0, len(each.text)) for each in cited)
    usage = Usage(10, 5, 1)
    return Answer(text, citations=citations, hits=tuple(hits), confidence=confidence, usage=usage)


def test_markers_name_the_same_passages_among_all_hits() -> None:
    one = composed("Red [1], turning [2].", [PUMP, ROTOR], [PUMP, ROTOR])
    two = composed("Blue [1, 2]; see [9].", [VALVE, PUMP], [VALVE], 0.6)
    joined = Join()(["What colour?", " And the valve? "], [one, two], Context())
    assert joined.text == ("What colour?\nRed [1], turning [2].\n\nAnd the valve?\nBlue [3, 1]; see.")
    assert joined.hits == (PUMP, ROTOR, VALVE)
    assert [each.quote for each in joined.citations] == [PUMP.text, ROTOR.text, VALVE.text]
    assert (joined.confidence, joined.usage, joined.abstained) == (0.6, Usage(20, 10, 2), False)


def test_brackets_of_a_quoted_document_are_left_alone() -> None:
    quoted = composed(VALVE.text, [VALVE], [VALVE])
    assert Join()(["a", "b"], [quoted, quoted], Context()).text == f"a\n{VALVE.text}\n\nb\n{VALVE.text}"


def test_a_citation_that_stands_in_no_hit_is_left_out_and_told() -> None:
    made_up = replace(cite(PUMP, 0, 8), quote="The bump")
    strange = cite(ROTOR, 0, 2)
    answer = replace(composed("Red.", [PUMP], [PUMP]), citations=(made_up, strange, cite(PUMP, 4, 8)))
    context = Context()
    assert [each.quote for each in Join()(["q"], [answer], context).citations] == ["pump"]
    assert context.notes == {"citations_removed": 2}


def test_it_abstains_where_all_do() -> None:
    refused = Answer("Nothing [1] found.", abstained=True, hits=(PUMP,))
    both = Join()(["a", "b"], [refused, composed("Red [1].", [PUMP], [PUMP])], Context())
    assert (both.abstained, both.confidence) == (False, 0.0)
    assert both.text.startswith("a\nNothing [1] found.")
    assert Join()(["a", "b"], [refused, refused], Context()).abstained
    assert Join()([], [], Context()).abstained


def test_one_answer_stays_as_it_is() -> None:
    answer = composed("Red [1].", [PUMP, ROTOR], [PUMP])
    assert Join()(["What colour?"], [answer], Context()) == answer


def test_as_many_answers_as_questions() -> None:
    with pytest.raises(InputError, match=r"2 questions and 1 answers to be joined\. Where a map may skip"):
        Join()(["a", "b"], [Answer("x")], Context())
