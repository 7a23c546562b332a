"""Hits and answers cross to LlamaIndex, through its JSON, and back equal; or are refused."""

from __future__ import annotations

import json
import os

import pytest
from crossing import answer_with, hits, text
from hypothesis import given, settings
from hypothesis import strategies as st
from llama_index.core.schema import NodeWithScore, TextNode
from llama_index_ragbraid import answer_of, as_node, hit_of_node
from llama_index_ragbraid.values import as_response

from ragbraid import Hit, InputError


@settings(max_examples=1_000 if os.environ.get("RAGBRAID_SOAK") else 100, deadline=None)
@given(st.lists(hits(), max_size=2), text)
def test_hits_and_answers_come_back_equal(found: list[Hit], said: str) -> None:
    answer = answer_with(found, said)
    for each in found:
        node = as_node(each)
        told = TextNode.from_dict(json.loads(node.node.to_json()))
        assert hit_of_node(NodeWithScore(node=told, score=node.score)) == each
    assert answer_of(as_response(answer)) == answer


def test_metadata_that_can_not_cross_is_refused() -> None:
    for key in ("ragbraid", 1):
        with pytest.raises(InputError, match=r"Rename it|Keys are text"):
            as_node(Hit("a", "b", 0, 1, "x", metadata={key: 1}))  # type: ignore[dict-item]
