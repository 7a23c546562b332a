from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from ragbraid.split.sentences import Sentences
from ragbraid.testing.splitter import demand_exact
from ragbraid.text.sentences import sentences
from ragbraid.types import Document

TEXTS = {
    "en": "Dr. Smith paid $3.50 to J. R. Ott, e.g. in May. He left at 5 p.m. on Monday. “Why?” she asked. "
    "The U.S. Army came, approx. 40 men strong. It rained... and rained. Acme Inc. was shut! ",
    "de": "Am 3. Oktober sprach Prof. Ott, z. B. in Ulm. Die Fa. Müller zahlt ca. 5 Mio. Euro, d. h. viel. "
    "Der 1. FC Köln gewann bzgl. der Tore klar. „Wirklich?“ Ja! Siehe Abb. 3 und S. 12 ff. im Anhang. ",
    "zh": "他说：“你好。”今天是2020.5.1，天气很好！真的吗？！我喜欢Python 3.11版。走吧。",
    "ja": "これは本です。「はい。」と彼は言った。値段は3.5円です。本当ですか？行きましょう！",
}


def split(text: str, **settings: Any) -> list[str]:
    document = Document("x", text)
    found = Sentences(**settings).open()([document])
    demand_exact(document, found)
    return [each.text for each in found]


@pytest.mark.parametrize("language", TEXTS)
@pytest.mark.parametrize("overlap", [0, 1])
def test_chunks_are_of_whole_sentences(language: str, overlap: int) -> None:
    text = TEXTS[language] * 20
    spans = sentences(text)
    document = Document("x", text)
    found = Sentences(max_tokens=60, overlap=overlap).open()([document])
    assert len(found) > 10
    assert {each.start for each in found} <= {start for start, _ in spans}
    assert {each.end for each in found} <= {end for _, end in spans}


def test_each_chunk_is_filled() -> None:
    found = split("Here is a sentence. " * 100, max_tokens=60)
    assert [each.count("Here") for each in found] == [10] * 10


def test_overlap_is_counted_in_sentences() -> None:
    found = split(" ".join(f"Here is sentence number {i}." for i in range(60)), max_tokens=60, overlap=2)
    for before, after in pairwise(found):
        assert after.split(". ")[:2] == before.rstrip(".").split(". ")[-2:]


def test_an_overlap_that_leaves_no_room_is_shorter() -> None:
    text = "A very long sentence that has almost as many words as there is room for. " * 8
    found = split(text, max_tokens=24, overlap=3)
    assert len(found) == 8


def test_a_sentence_over_the_limit_is_cut_inside() -> None:
    found = split("Short one. Many " + "many words, " * 60 + "at the end. Short again.", max_tokens=40)
    assert found[0] == "Short one."
    assert found[-1] == "Short again."
    assert all(text.count(".") < 2 for text in found)


def test_the_title_is_embedded() -> None:
    document = Document("x", "Here is a sentence. " * 100, {"title": "A Title"})
    found = Sentences(max_tokens=60, context=True).open()([document])
    assert {each.context for each in found} == {"A Title"}
