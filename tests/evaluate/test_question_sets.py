"""The project's own question sets: they read, and their answers stand where they say."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ragbraid.evaluate.matching import contains
from ragbraid.evaluate.questions import QuestionSet, read_questions

ROOT = Path(__file__).parents[2]
SETS = ROOT / "tests" / "data"
DATA = Path(os.environ.get("RAGBRAID_DATA", ROOT / "data"))
COUNTS = {"handbook": (45, 15), "island": (38, 0)}
"""Of each set, how many questions its documents answer, and how many they don't."""
LONGEST = 8
"""Words of an answer about the handbook."""


def questions(name: str) -> QuestionSet:
    return read_questions(SETS / name / "questions.jsonl")


def misplaced(asked: QuestionSet, documents: Path) -> list[tuple[str, str, str]]:
    """Each question's id, answer and source where the source doesn't hold the answer."""
    texts = {
        source: (documents / source).read_text(encoding="utf-8")
        for each in asked.questions
        for source in each.sources
    }
    return [
        (each.id, answer, source)
        for each in asked.questions
        for answer in each.answers or ()
        for source in each.sources
        if not contains(texts[source], [answer])
    ]


def test_every_set_is_known() -> None:
    assert {each.parent.name for each in SETS.glob("*/questions.jsonl")} == set(COUNTS)


@pytest.mark.parametrize("name", COUNTS)
def test_a_set_reads_and_has_as_many_questions_as_said(name: str) -> None:
    asked = questions(name).questions
    answered = [each for each in asked if each.answers]
    unanswerable = [each for each in asked if each.answers == ()]
    assert (len(answered), len(unanswerable)) == COUNTS[name]
    assert len(asked) == sum(COUNTS[name])
    assert len({each.id for each in asked}) == len(asked)
    assert len({each.text.casefold() for each in asked}) == len(asked)
    assert all(each.sources for each in answered)
    assert not any(each.sources for each in unanswerable)


def test_answers_about_the_handbook_are_short() -> None:
    answers = [answer for each in questions("handbook").questions for answer in each.answers or ()]
    assert [each for each in answers if not 1 <= len(each.split()) <= LONGEST] == []


def test_answers_about_the_island_stand_in_their_sources() -> None:
    assert misplaced(questions("island"), SETS / "island" / "documents") == []


def test_answers_about_the_handbook_stand_in_their_sources() -> None:
    if not (DATA / "handbook").is_dir():
        pytest.skip(f"{DATA} has no handbook: set RAGBRAID_DATA to a folder that does")
    assert misplaced(questions("handbook"), DATA / "handbook") == []
