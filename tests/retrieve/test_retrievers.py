"""Dense and lexical retrieval over the list store."""

import pytest

from ragbraid.errors import IndexStoreError
from ragbraid.index.protocol import Change, Entry
from ragbraid.retrieve.dense import Dense
from ragbraid.retrieve.lexical import Lexical
from ragbraid.testing.hash_embedder import HashEmbedder
from ragbraid.testing.list_index import ListIndexRuntime
from ragbraid.testing.retriever import PASSAGES, RetrieverConformance
from ragbraid.types import Batch, Chunk, Document


def index_of(passages: dict[str, str], embedder: object = None) -> ListIndexRuntime:
    index = ListIndexRuntime(embedder)  # type: ignore[arg-type]
    for name, text in passages.items():
        vectors = embedder.embed([text]) if embedder else None  # type: ignore[attr-defined]
        entry = Entry(Document(name, text), [Chunk(name, 0, len(text), text)], vectors)
        index.upsert([Change(name, [entry])])
    return index


class TestDense(RetrieverConformance):
    stage = "dense"

    def make(self, passages: dict[str, str]) -> Dense:
        return Dense(index_of(passages, HashEmbedder(dimensions=256).open()))


class TestLexical(RetrieverConformance):
    stage = "lexical"

    def make(self, passages: dict[str, str]) -> Lexical:
        return Lexical(index_of(passages))


def test_a_request_beyond_the_pool_widens_it() -> None:
    dense = Dense(index_of(PASSAGES, HashEmbedder(dimensions=256).open()), candidates=1)
    assert [len(dense(Batch(["water"]), k)[0]) for k in (1, 3, 9)] == [1, 3, 5]


def test_dense_over_a_lexical_index_says_what_to_do() -> None:
    with pytest.raises(IndexStoreError, match="Give the index an `embedder`"):
        Dense(index_of(PASSAGES))(Batch(["water"]), 3)
