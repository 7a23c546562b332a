"""Hits, chunks and answers cross to Haystack, through its JSON, and back equal; or are refused."""

from __future__ import annotations

import json
import os

import pytest
from crossing import answer_with, hits, text
from haystack import Document, GeneratedAnswer
from haystack_integrations.common.ragbraid import (
    answer_of,
    as_document,
    as_generated_answer,
    hit_of_document,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from ragbraid import Hit, InputError


@settings(max_examples=1_000 if os.environ.get("RAGBRAID_SOAK") else 100, deadline=None)
@given(st.lists(hits(), max_size=2), text)
def test_hits_and_answers_come_back_equal(found: list[Hit], said: str) -> None:
    answer = answer_with(found, said)
    for each in found:
        told = json.dumps(as_document(each).to_dict(flatten=False))
        assert hit_of_document(Document.from_dict(json.loads(told))) == each
    told = json.dumps(as_generated_answer("?", answer).to_dict())
    assert answer_of(GeneratedAnswer.from_dict(json.loads(told))) == answer


def test_metadata_that_can_not_cross_is_refused() -> None:
    for key in ("ragbraid", 1):
        with pytest.raises(InputError, match=r"Rename it|Keys are text"):
            as_document(Hit("a", "b", 0, 1, "x", metadata={key: 1}))  # type: ignore[dict-item]
