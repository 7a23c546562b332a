"""Relevance feedback: what the best hits say moves what resembles them up."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ragbraid.errors import IndexStoreError, InputError
from ragbraid.index.protocol import Change, Entry
from ragbraid.rerank.rm3 import Rm3
from ragbraid.rerank.rocchio import Rocchio
from ragbraid.testing.hash_embedder import HashEmbedder, HashEmbedderRuntime
from ragbraid.testing.list_index import ListIndexRuntime
from ragbraid.types import Chunk, Document, Hit

TEXTS = {
    "wing": "A wing in a slipstream gains lift from the propeller wake.",
    "lift": "The lift of a wing grows with the speed of the propeller wake.",
    "wake": "Propeller wake and slipstream speed were measured behind an engine.",
    "cake": "A cake rises where the oven is warm enough for the dough.",
    "bread": "Bread dough rests before the oven is warm.",
    "soup": "A soup wants salt, and time above all.",
    **{f"row{at}": f"Row {at} of the ledger names a debtor in town {at}." for at in range(9)},
}
QUESTION = "wing lift"


@pytest.fixture
def embedder() -> HashEmbedderRuntime:
    return HashEmbedder(dimensions=1024).open()


@pytest.fixture
def index(embedder: HashEmbedderRuntime) -> Iterator[ListIndexRuntime]:
    made = ListIndexRuntime(embedder)
    for name, text in TEXTS.items():
        chunk = Chunk(name, 0, len(text), text, id=name)
        entry = Entry(Document(name, text), [chunk], embedder.embed([text]))
        made.upsert([Change(name, [entry])])
    yield made
    made.close()


def pool(index: ListIndexRuntime, *names: str) -> list[Hit]:
    return index.get(names or list(TEXTS))


def test_words_of_the_best_hits_find_what_the_question_lacks(index: ListIndexRuntime) -> None:
    found = Rm3(index, feedback=2)(QUESTION, pool(index), 10)
    assert [hit.id for hit in found][:3] in (["lift", "wing", "wake"], ["wing", "lift", "wake"])
    assert found[2].score > 0, "it has no word of the question"
    assert {hit.id: hit.score for hit in found}["soup"] == 0
    assert all(hit.scores["rm3"] == hit.score for hit in found)


def test_the_original_alone_is_bm25(index: ListIndexRuntime) -> None:
    found = Rm3(index, original=1.0)(QUESTION, pool(index), 10)
    assert {hit.id for hit in found if hit.score} == {"wing", "lift"}


def test_vectors_of_the_best_hits_draw_their_like(index: ListIndexRuntime) -> None:
    plain = Rocchio(index, weight=0)(QUESTION, pool(index), 10)
    moved = Rocchio(index, feedback=2)(QUESTION, pool(index), 10)

    def lead(hits: list[Hit]) -> float:
        scores = {hit.id: hit.score for hit in hits}
        return scores["wake"] - scores["bread"]

    assert lead(moved) > lead(plain)
    assert all(-1.001 <= hit.score <= 1.001 for hit in moved)


@pytest.mark.parametrize("kind", [Rm3, Rocchio])
def test_what_is_scored_and_what_is_dropped(kind: type[Rm3 | Rocchio], index: ListIndexRuntime) -> None:
    assert kind(index)(QUESTION, [], 5) == []
    assert len(kind(index, candidates=2)(QUESTION, pool(index), 1)) == 2
    assert len(kind(index, candidates=2)(QUESTION, pool(index), 4)) == 4
    assert len(kind(index)("?", pool(index, "soup"), 1)) == 1
    with pytest.raises(InputError):
        kind(index)(" ", pool(index), 1)
    once, again = (kind(index)(QUESTION, pool(index), 10) for _ in range(2))
    assert once == again


def test_an_index_without_vectors_is_told() -> None:
    index = ListIndexRuntime(None)
    chunk = Chunk("a", 0, 4, "wing", id="a")
    index.upsert([Change("a", [Entry(Document("a", "wing"), [chunk], None)])])
    with pytest.raises(IndexStoreError, match="has no vectors"):
        Rocchio(index)(QUESTION, index.get(["a"]), 1)
    assert Rm3(index)(QUESTION, index.get(["a"]), 1)[0].score > 0
