"""Whether a text holds an answer, and a passage is the right one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragbraid.evaluate.matching import contains, exact, f1, fits, names, normalised
from ragbraid.evaluate.questions import Question

PASSAGE = "The bridge was opened in May 1932 by the mayor, Ada Lind. It is 412 metres long."


def test_articles_case_and_punctuation_do_not_count() -> None:
    assert normalised("  The  “Bridge”, a/an OPEN-air one. ") == "bridge aan openair one"
    assert contains("It was the Ada-Lind bridge.", ["adalind"])
    assert exact("The Bridge.", ["tower", "bridge"])
    assert not exact("The old bridge", ["bridge"])
    assert not contains("anything", ["", "the"])


@pytest.mark.parametrize(
    ("said", "right", "score"),
    [
        ("in May 1932", "May 1932", 0.8),
        ("Ada", "Ada", 1.0),
        ("Eva", "Ada", 0.0),
        ("東京都", "東京", 2 / 3),
        ("", "a", 0.0),
    ],
)
def test_f1(said: str, right: str, score: float) -> None:
    assert f1(said, [right, "zzz"]) == pytest.approx(score)


@given(st.text(), st.lists(st.text(), max_size=3))
def test_measures_agree_whatever_the_text(text: str, answers: list[str]) -> None:
    assert 0 <= f1(text, answers) <= 1
    if exact(text, answers) and normalised(text):
        assert contains(text, answers)


@pytest.mark.parametrize(
    ("name", "source", "meant"),
    [
        ("docs/leave.md", "docs/leave.md", True),
        ("leave.md", "docs/leave.md", True),
        ("leave", "docs/leave.md", True),
        ("docs/leave", "docs/leave.md", True),
        ("Normans/0", "corpus.jsonl#id=Normans/0", True),
        ("0", "corpus.jsonl#id=Normans/0", False),
        ("corpus", "corpus.jsonl#id=Normans/0", False),
        ("eave", "docs/leave.md", False),
    ],
)
def test_names_of_documents(name: str, source: str, meant: bool) -> None:
    assert names(name, source) == meant


def test_a_chunk_of_a_passage_fits_and_others_do_not() -> None:
    question = Question("1", "Who?", passages=(PASSAGE,), sources={"bridges.md": 2, "other.md": 0})
    assert fits("x.md", "It was opened in May 1932 by the mayor, Ada Lind", question) == 1
    assert fits("x.md", f"Heading\n\n{PASSAGE} And more of other things, at some length.", question) == 1
    assert fits("x.md", "The pump stops because the float valve closes.", question) == 0
    assert fits("docs/bridges.md", "anything", question) == 2
    assert fits("other.md", "", question) == 0
