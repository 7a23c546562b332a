"""Documents come back from the store as they went in, or are refused with a sentence."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from haystack import Document, Pipeline
from haystack.dataclasses import ByteStream, SparseEmbedding
from haystack.document_stores.types import DuplicatePolicy
from haystack.errors import FilterError
from haystack_integrations.components.retrievers.ragbraid import (
    RagbraidBM25Retriever,
    RagbraidEmbeddingRetriever,
)
from haystack_integrations.document_stores.ragbraid import RagbraidDocumentStore
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ragbraid import InputError

COUNT = 40 if os.environ.get("RAGBRAID_SOAK") else 4
text = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
numbers = st.integers() | st.floats() | st.booleans() | st.none()
leaves: Any = numbers | text | st.dates() | st.datetimes() | st.datetimes(timezones=st.just(UTC))
values = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3), max_leaves=5
)
documents = st.builds(
    Document,
    content=st.none() | text,
    meta=st.dictionaries(text, values, max_size=4),
    score=st.none() | st.floats(allow_nan=False, allow_infinity=False),
    embedding=st.none() | st.lists(st.floats(-1e6, 1e6), min_size=4, max_size=4).filter(any),
    blob=st.none() | st.builds(ByteStream, data=st.binary(max_size=9), mime_type=st.none() | st.just("a/b")),
    sparse_embedding=st.none() | st.just(SparseEmbedding(indices=[1, 7], values=[0.5, 0.25])),
)


@settings(max_examples=COUNT, deadline=None, suppress_health_check=list(HealthCheck))
@given(found=st.lists(documents, min_size=25, max_size=25, unique_by=lambda each: each.id))
def test_a_document_comes_back_equal_or_is_refused(
    tmp_path_factory: pytest.TempPathFactory, found: list[Document]
) -> None:
    store = RagbraidDocumentStore(tmp_path_factory.mktemp("store"), embedding_dim=4)
    kept = list(written(store, found))
    assert store.filter_documents() == kept
    store.close()


def written(store: RagbraidDocumentStore, found: list[Document]) -> Iterator[Document]:
    """Write what isn't refused; a refused list is halved until the one document at fault is alone."""
    try:
        store.write_documents(found)
    except InputError as refusal:
        if len(found) == 1:
            demand_a_sentence(refusal, found[0])
        else:
            yield from written(store, found[: len(found) // 2])
            yield from written(store, found[len(found) // 2 :])
    else:
        yield from found


def demand_a_sentence(refusal: InputError, document: Document) -> None:
    assert repr(document.id) in refusal.message
    assert refusal.hint.endswith(".")


def test_lists_odd_keys_and_large_numbers(tmp_path: Path) -> None:
    store = RagbraidDocumentStore(tmp_path / "store", embedding_dim=None)
    meta = {"tags": ["a", "b"], "n": {"k": 1}, "id": 2**60 + 7, "when": date(2024, 1, 31)}
    store.write_documents([Document(id="1", content="one", meta=meta)])
    (found,) = RagbraidDocumentStore(tmp_path / "store").filter_documents(
        {"field": "meta.id", "operator": "==", "value": 2**60 + 7}
    )
    assert found.meta == meta
    assert type(found.meta["when"]) is date
    conditions: list[tuple[str, str, Any]] = [
        ("meta.tags", "==", "b"),
        ("meta.n.k", "==", 1),
        ("id", "in", ["1", "2"]),
        ("meta.when", ">=", "2024-01-31"),
        ("meta.when", "<", datetime(2024, 2, 1)),
    ]
    for condition in conditions:
        filters = dict(zip(("field", "operator", "value"), condition, strict=True))
        assert store.count_documents_by_filter(filters) == 1, condition
    with pytest.raises(InputError, match="the key 1, which is no string"):
        store.write_documents([Document(id="2", content="x", meta={1: "x", "1": "y"})])
    assert store.count_documents() == 1


@pytest.mark.parametrize("name", ["D'Arc", "z' OR 2=2 --", 'a"b', "a%_b", "a\\b", "ü/é"])
def test_just_the_named_document_is_deleted(tmp_path: Path, name: str) -> None:
    store = RagbraidDocumentStore(tmp_path, embedding_dim=None)
    store.write_documents([Document(id=name, content="one"), Document(id="other", content="two")])
    store.delete_documents([])
    store.delete_documents([name])
    assert [each.id for each in store.filter_documents()] == ["other"]


@pytest.mark.parametrize(
    ("filters", "said"),
    [
        ({"field": "meta.n", "operator": "=", "value": 1}, "'=' is no comparison"),
        ({"field": "content", "operator": "==", "value": 1}, "not by 'content'"),
        ({"operator": "XOR", "conditions": []}, "'XOR' is no logical operator"),
        ({"field": "meta.n", "operator": ">", "value": True}, "not a bool"),
        ({"operator": "AND", "conditions": "x"}, "'conditions' is a list"),
    ],
)
def test_a_wrong_filter_says_what_is_wrong(tmp_path: Path, filters: dict[str, Any], said: str) -> None:
    with pytest.raises(FilterError, match=said):
        RagbraidDocumentStore(tmp_path).filter_documents(filters)


def test_retrievers_find_by_embedding_and_by_words_under_a_filter(tmp_path: Path) -> None:
    store = RagbraidDocumentStore(tmp_path, embedding_dim=2)
    store.write_documents(
        [
            Document(id="a", content="The barn is red.", meta={"lang": "en"}, embedding=[3.0, 0.1]),
            Document(id="b", content="A red barn burns.", meta={"lang": "de"}, embedding=[0.1, 2.0]),
            Document(id="c", content="No embedding, but a barn."),
        ]
    )
    nearest = RagbraidEmbeddingRetriever(store, top_k=2, return_embedding=True)
    found = nearest.run([1.0, 0.0])["documents"]
    assert [each.id for each in found] == ["a", "b"]
    assert found[0].embedding == [3.0, 0.1]
    assert found[0].score == pytest.approx(1, abs=1e-3)
    german = {"field": "meta.lang", "operator": "==", "value": "de"}
    assert [each.id for each in nearest.run([1.0, 0.0], filters=german)["documents"]] == ["b"]
    words = RagbraidBM25Retriever(store, filters=german, filter_policy="merge")
    assert [each.id for each in words.run('barn "red')["documents"]] == ["b"]
    assert RagbraidBM25Retriever(store).run(" \u200b ")["documents"] == []
    assert len(RagbraidBM25Retriever(store).run("barn", top_k=9)["documents"]) == 3


async def test_a_pipeline_with_them_goes_through_yaml_and_runs_async(tmp_path: Path) -> None:
    store = RagbraidDocumentStore(tmp_path, embedding_dim=2, collection="notes")
    store.write_documents([Document(content="One barn.", embedding=[1.0, 0.0])], DuplicatePolicy.OVERWRITE)
    pipeline = Pipeline()
    pipeline.add_component("words", RagbraidBM25Retriever(store, top_k=3))
    pipeline.add_component("near", RagbraidEmbeddingRetriever(store, filter_policy="merge"))
    again = Pipeline.loads(pipeline.dumps())
    assert again == pipeline
    given = {"words": {"query": "barn"}, "near": {"query_embedding": [1.0, 1.0]}}
    assert await again.run_async(given) == again.run(given) == pipeline.run(given)
    assert len(again.run(given)["near"]["documents"]) == 1


def test_an_index_that_ragbraid_made_is_a_store_of_its_chunks(tmp_path: Path) -> None:
    from ragbraid import Pipeline as Ragbraid

    (tmp_path / "barn.md").write_text("# Barns\n\nThe barn is red.\n")
    with Ragbraid.build(
        base=tmp_path,
        components={"index": {"type": "faiss", "path": "index"}},
        ingest=[{"type": "files"}, {"type": "recursive-splitter"}, "index"],
    ) as pipeline:
        pipeline.ingest(tmp_path / "barn.md")
    store = RagbraidDocumentStore(tmp_path / "index", embedding_dim=None)
    (found,) = store.bm25_retrieval("red barn")
    assert "The barn is red." in str(found.content)
    with pytest.raises(InputError, match="is a chunk of"):
        store.delete_documents([found.id])
