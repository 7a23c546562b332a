"""Answers that cross to another framework and back."""

from __future__ import annotations

import json

from ragbraid.bridge.answers import cited, retold, told
from ragbraid.types import Answer, Citation, Hit, Usage

QUOTE = Citation("a.md", 4, 8, "nine\nsharp", "00ff", chunk_id="c", line=2, last_line=3)
HIT = Hit("c", "a.md", 0, 9, "nine\nsharp", 0.5, {"dense": 0.5}, {"n": {"k": [1]}}, page=3)
WHOLE = Answer("At nine.", "nine", QUOTE, False, 0.75, (QUOTE,), (HIT,), Usage(3, 4, 5))


def test_an_answer_is_made_again_of_what_json_kept() -> None:
    for each in (WHOLE, Answer("I don't know.", abstained=True)):
        assert retold(each.text, json.loads(json.dumps(told(each))), each.hits) == each


def test_an_agent_is_told_where_each_quote_stands() -> None:
    assert cited(WHOLE) == "At nine.\n\nSources:\n[1] a.md:2: “nine sharp”"
    assert cited(Answer("x", citations=(Citation("b.pdf", 0, 1, "x", "", page=7),))).endswith(
        "[1] b.pdf, page 7: “x”"
    )
    assert cited(Answer("I don't know.")) == "I don't know."
