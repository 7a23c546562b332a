"""Hits that are unlike each other, said once, and laid out for a model."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

import pytest

from ragbraid.errors import IndexStoreError
from ragbraid.index.protocol import Change, Entry
from ragbraid.rerank.lost_in_the_middle import LostInTheMiddle
from ragbraid.rerank.mmr import Mmr
from ragbraid.rerank.near_duplicates import NearDuplicates
from ragbraid.testing.hash_embedder import HashEmbedder
from ragbraid.testing.list_index import ListIndexRuntime
from ragbraid.types import Chunk, Document, Hit

TEXTS = {
    "a": "The pump stops because the float valve closes early.",
    "b": "The pump stops because the float valve closes early, too.",
    "c": "The pump stops when the float valve is closed early.",
    "d": "Bread dough rests before the oven is warm.",
}


def hits(*names: str) -> list[Hit]:
    return [
        Hit(name, name, 0, len(TEXTS[name]), TEXTS[name], 1 - at / 10, {"earlier": 1 - at / 10})
        for at, name in enumerate(names)
    ]


@pytest.fixture
def index() -> Iterator[ListIndexRuntime]:
    embedder = HashEmbedder(dimensions=1024).open()
    made = ListIndexRuntime(embedder)
    for name, text in TEXTS.items():
        chunk = Chunk(name, 0, len(text), text, id=name)
        made.upsert([Change(name, [Entry(Document(name, text), [chunk], embedder.embed([text]))])])
    yield made
    made.close()


def names(found: list[Hit]) -> str:
    return "".join(hit.id for hit in found)


def test_mmr_takes_what_is_new_before_what_is_alike(index: ListIndexRuntime) -> None:
    found = Mmr(index, relevance=0.5)(hits("a", "b", "c", "d"), 4)
    assert names(found)[:2] == "ad"
    assert [hit.scores["mmr"] for hit in found] == [hit.score for hit in found]
    assert [hit.score for hit in found] == sorted((hit.score for hit in found), reverse=True)
    assert found[1].scores["earlier"] == pytest.approx(0.7)


def test_mmr_by_relevance_alone_keeps_the_order(index: ListIndexRuntime) -> None:
    assert names(Mmr(index, relevance=1)(hits("c", "a", "d", "b"), 4)) == "cadb"
    assert names(Mmr(index, candidates=2)(hits("c", "a", "d", "b"), 1)) in ("ca", "ac")
    assert Mmr(index)([], 4) == []


def test_mmr_says_what_it_lacks() -> None:
    with pytest.raises(IndexStoreError, match="no vectors") as caught:
        Mmr(ListIndexRuntime(None))(hits("a"), 1)
    assert "near-duplicates" in str(caught.value.hint)


def test_what_repeats_a_better_hit_is_dropped() -> None:
    assert names(NearDuplicates()(hits("a", "b", "c", "d"), 4)) == "acd"
    assert names(NearDuplicates()(hits("b", "a", "d"), 4)) == "bd"
    assert names(NearDuplicates(alike=0.2)(hits("a", "c", "d"), 4)) == "ad"


def test_case_and_punctuation_make_no_difference_and_empty_texts_are_unlike() -> None:
    texts = ["Water boils.", "WATER, boils!", "Water", "", "…", "水は百度で沸騰する。", "水は百度で沸騰する"]
    given = [Hit(str(at), "s", 0, len(text), text) for at, text in enumerate(texts)]
    assert names(NearDuplicates()(given, 10)) == "02345"


def test_of_random_hits_none_that_is_left_repeats_another() -> None:
    draw = Random(3)
    for _ in range(100):
        said = [" ".join(draw.choices("abc", k=draw.randint(1, 9))) for _ in range(12)]
        given = [Hit(f"{at:02}", "s", 0, len(text), text) for at, text in enumerate(said)]
        left = NearDuplicates()(given, 12)
        assert left[0] == given[0]
        assert NearDuplicates()(left, 12) == left
        assert [hit for hit in given if hit in left] == left


@pytest.mark.parametrize(("k", "order"), [(0, ""), (1, "a"), (2, "ab"), (3, "acb"), (4, "acdb")])
def test_the_best_stand_at_the_ends(k: int, order: str) -> None:
    assert names(LostInTheMiddle()(hits("a", "b", "c", "d"), k)) == order
