"""What comes back over a bridge is what went: of another text, or of another's key, nothing is taken."""

from __future__ import annotations

from typing import Any

import pytest

from ragbraid.bridge.values import KEY, chunk_of, crossing, document_of, hit_of, kind_of
from ragbraid.types import Chunk, Document, Hit, Reading
from timing import least_seconds

HIT = Hit("i", "a.md", 3, 8, "ABCDE", 0.5, {"dense": 0.5}, {"lang": "en"}, 2, "notes", "00ff", 7, (4,))
CHUNK = Chunk("a.md", 3, 8, "ABCDE", {"lang": "en"}, "i", "above")
DOCUMENT = Document("a.md", "ABCDE", {}, (0, 4), ("odd",), 2, "text/markdown", Reading("text", "utf-8", True))


@pytest.mark.parametrize("theirs", [{"x": 1}, {}, "text", 7, None, {**crossing(HIT)[KEY], "more": 1}])
def test_a_key_of_that_name_that_is_anothers_is_kept(theirs: Any) -> None:
    metadata = {KEY: theirs, "source": "s"}
    assert hit_of("ABCDE", metadata).metadata == document_of("ABCDE", metadata).metadata == metadata
    assert chunk_of("ABCDE", metadata) is None


@pytest.mark.parametrize("text", ["XYZZY", "ABCD", "ABCDEF", "ABCDÉ"])
def test_a_changed_text_is_of_no_place_in_a_document(text: str) -> None:
    hit = hit_of(text, crossing(HIT), "i", 0.25)
    assert (hit.start, hit.end, hit.page, hit.line) == (0, len(text), None, None)
    assert hit.content_hash != HIT.content_hash
    assert hit.source != HIT.source
    assert hit.metadata == HIT.metadata
    assert chunk_of(text, crossing(CHUNK)) is None
    assert document_of(text, crossing(DOCUMENT)) == Document("a.md", text, media_type="text/markdown")


@pytest.mark.parametrize("value", [HIT, CHUNK, DOCUMENT], ids=["hit", "chunk", "document"])
def test_no_field_of_another_type_makes_a_value_or_an_error(value: Any) -> None:
    whole = crossing(value)
    assert kind_of(whole) is type(value)
    for name in whole[KEY]:
        for wrong in (object(), [object()], {"a": object()}, -1.5j, None):
            if name in ("page", "line") and wrong is None:
                continue
            odd = {**whole, KEY: {**whole[KEY], name: wrong}}
            assert kind_of(odd) is None
            assert chunk_of("ABCDE", odd) is None
            assert document_of("ABCDE", odd).metadata == odd
    for name, wrong in (("source", 7), ("start", "3"), ("end", 8.0), ("pages", 3), ("reading", {"x": 1})):
        if name in whole[KEY]:
            plain = {**whole, KEY: {**whole[KEY], name: wrong}}
            assert hit_of("ABCDE", plain).metadata == plain


def test_five_hits_cross_there_and_back_in_no_time() -> None:
    text = "A sentence of a passage. " * 40
    hits = [Hit(str(each), "a.md", 0, len(text), text, 0.5, {"dense": 0.5}) for each in range(5)]

    def cross() -> None:
        assert [hit_of(each.text, crossing(each)) for each in hits] == hits

    assert least_seconds(cross) < 0.001  # 0.1 ms on one core of an ordinary machine
