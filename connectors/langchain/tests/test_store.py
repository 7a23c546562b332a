"""The vector store beyond LangChain's own suite: scores, filters, MMR, what stays on disk, what is wrong."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from langchain_core.documents import Document
from langchain_core.indexing import InMemoryRecordManager, index
from langchain_ragbraid import RagbraidEmbeddings, RagbraidVectorStore

from ragbraid import InputError

WORDS = {"type": "testing/hash-embedder", "dimensions": 64}
TEXTS = ["the cat sleeps", "the cat sleeps well", "rent is due", "water the garden"]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[RagbraidVectorStore]:
    made = RagbraidVectorStore.from_texts(
        TEXTS, RagbraidEmbeddings(component=WORDS), [{"n": each} for each in range(4)], ids=list("abcd"),
        path=tmp_path / "store",
    )  # fmt: skip
    yield made
    made.close()


def test_scores_are_cosines_and_the_same_by_every_way(store: RagbraidVectorStore) -> None:
    found = store.similarity_search_with_score("the cat sleeps", 2)
    assert next((each.id, round(score, 5)) for each, score in found) == ("a", 1.0)
    assert [each.id for each, _ in found] == ["a", "b"]
    assert asyncio.run(store.asimilarity_search_with_score("the cat sleeps", 2)) == found
    assert store.similarity_search("the cat sleeps", 2) == [each for each, _ in found]
    assert asyncio.run(store.asimilarity_search("the cat sleeps", 2)) == [each for each, _ in found]
    relevant = store.similarity_search_with_relevance_scores("the cat sleeps", 2)
    assert all(0 <= score <= 1 for _, score in relevant)
    assert len(store.similarity_search("cat", k=50)) == 4


def test_filters_hold_everywhere(store: RagbraidVectorStore) -> None:
    wanted = {"n": {"$gte": 2}}
    assert {each.id for each in store.similarity_search("cat", filter=wanted)} == {"c", "d"}
    assert {each.id for each in store.max_marginal_relevance_search("cat", k=4, filter=wanted)} == {"c", "d"}
    retriever = store.as_retriever(search_kwargs={"k": 1, "filter": wanted})
    assert retriever.invoke("rent")[0].id == "c"


def test_mmr_prefers_what_is_unlike(store: RagbraidVectorStore) -> None:
    alike = [each.id for each in store.similarity_search("the cat sleeps", k=2)]
    varied = [each.id for each in store.max_marginal_relevance_search("the cat sleeps", k=2, lambda_mult=0.1)]
    assert alike == ["a", "b"]
    assert varied[0] == "a"
    assert varied[1] != "b"


def test_another_store_on_the_same_folder_finds_it_all(store: RagbraidVectorStore, tmp_path: Path) -> None:
    again = RagbraidVectorStore(RagbraidEmbeddings(component=WORDS), tmp_path / "store")
    assert again.similarity_search("rent", k=1)[0].metadata == {"n": 2}
    store.delete(["c"])
    assert again.get_by_ids(["c"]) == []
    again.delete()
    assert store.similarity_search("cat") == []
    again.close()
    other = RagbraidEmbeddings(component={"type": "testing/hash-embedder", "dimensions": 8})
    narrow = RagbraidVectorStore(other, tmp_path / "store")
    with pytest.raises(InputError, match="holds vectors of 64 dimensions, not 8"):
        narrow.similarity_search("cat")


def test_langchains_indexing_keeps_it_in_step(store: RagbraidVectorStore) -> None:
    manager = InMemoryRecordManager("notes")
    manager.create_schema()
    notes = [Document(page_content=f"note {each}", metadata={"source": "s"}) for each in range(3)]
    for given, added, deleted in ((notes, 3, 0), (notes[:2], 0, 1)):
        done = index(given, manager, store, cleanup="full", key_encoder="sha256")
        assert (done["num_added"], done["num_deleted"]) == (added, deleted)


def test_what_does_not_fit_together_is_told(store: RagbraidVectorStore) -> None:
    with pytest.raises(InputError, match="There are 2 texts and 1 ids"):
        store.add_texts(["a", "b"], ids=["x"])
    with pytest.raises(InputError, match="There are 1 documents and 2 ids"):
        store.add_documents([Document(page_content="a")], ids=["x", "y"])
    with pytest.raises(InputError, match="wants a `path`"):
        RagbraidVectorStore.from_texts(["a"], RagbraidEmbeddings(component=WORDS))
