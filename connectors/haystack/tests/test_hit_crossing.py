"""Hits, chunks and answers cross to Haystack, through its JSON, and back equal; or are refused."""

from __future__ import annotations

import json
import os
from typing import Any

import pytest
from haystack import Document, GeneratedAnswer
from haystack_integrations.common.ragbraid import (
    answer_of,
    as_document,
    as_generated_answer,
    hit_of_document,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from ragbraid import Answer, Citation, Hit, InputError

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
leaves: Any = (
    st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.booleans() | st.none() | text
)
values = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3), max_leaves=5
)
metadata = st.dictionaries(text | st.sampled_from(["source", "page", "id"]), values, max_size=4)


@st.composite
def hits(draw: st.DrawFn) -> Hit:
    said, start = draw(text), draw(st.integers(0, 99))
    score = draw(st.floats(-9, 9))
    return Hit(
        draw(text.filter(bool)), draw(text.filter(bool)), start, start + len(said), said, score,
        {"dense": score, "rrf": 0.25}, draw(metadata), draw(st.none() | st.integers(1, 9)), "notes", "00ff",
        draw(st.none() | st.integers(1, 9)),
    )  # fmt: skip


@settings(max_examples=1_000 if os.environ.get("RAGBRAID_SOAK") else 100, deadline=None)
@given(st.lists(hits(), max_size=2), text)
def test_hits_and_answers_come_back_equal(found: list[Hit], said: str) -> None:
    cited = tuple(Citation(each.source, each.start, each.end, each.text, "00ff", each.page) for each in found)
    answer = Answer(said, None, None, not found, 0.5, cited, tuple(found))
    for each in found:
        told = json.dumps(as_document(each).to_dict(flatten=False))
        assert hit_of_document(Document.from_dict(json.loads(told))) == each
    told = json.dumps(as_generated_answer("?", answer).to_dict())
    assert answer_of(GeneratedAnswer.from_dict(json.loads(told))) == answer


def test_metadata_that_can_not_cross_is_refused() -> None:
    for key in ("ragbraid", 1):
        with pytest.raises(InputError, match=r"Rename it|Keys are text"):
            as_document(Hit("a", "b", 0, 1, "x", metadata={key: 1}))  # type: ignore[dict-item]
