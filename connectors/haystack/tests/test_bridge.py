"""Haystack's own parts as steps of a ragbraid pipeline."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
from haystack import Document
from haystack.components.converters import TextFileToDocument
from haystack.components.embedders import MockDocumentEmbedder, MockTextEmbedder
from haystack.components.generators.chat import MockChatGenerator
from haystack.components.preprocessors import DocumentSplitter
from haystack.components.rankers import LostInTheMiddleRanker
from haystack.components.retrievers.in_memory import InMemoryBM25Retriever
from haystack.document_stores.in_memory import InMemoryDocumentStore
from haystack_integrations.common.ragbraid.bridge import BRIDGE, Converted, Embedders, untranslated
from haystack_integrations.components.embedders.ragbraid import (
    RagbraidDocumentEmbedder,
    RagbraidTextEmbedder,
)
from haystack_integrations.components.generators.ragbraid import RagbraidChatGenerator
from haystack_integrations.components.preprocessors.ragbraid import RagbraidSplitter
from haystack_integrations.components.rankers.ragbraid import RagbraidRanker
from haystack_integrations.document_stores.ragbraid import RagbraidDocumentStore
from parts import TEXTS

from ragbraid import InputError, Pipeline
from ragbraid.bridge import as_component
from ragbraid.errors import Unsupported

STORE = InMemoryDocumentStore()
for _number, (_name, _text) in enumerate(sorted(TEXTS.items())):
    _body = _text.rpartition("---\n")[2]
    STORE.write_documents(
        [Document(id=_name, content=_body, meta={"n": {"k": [_number]}, "year": 2020 + _number})]
    )


def retriever() -> InMemoryBM25Retriever:
    return InMemoryBM25Retriever(STORE, top_k=2)


def from_store(**sections: Any) -> Pipeline:
    return Pipeline.build(
        components={},
        search=[as_component(retriever())],
        ask=["search", {"type": "quote"}],
        **sections,
    )


def test_each_class_has_its_kind() -> None:
    kinds = {
        MockTextEmbedder: "embedder",
        MockDocumentEmbedder: "embedder",
        RagbraidTextEmbedder: "embedder",
        RagbraidDocumentEmbedder: "embedder",
        Embedders: "embedder",
        InMemoryBM25Retriever: "retriever",
        LostInTheMiddleRanker: "reranker",
        RagbraidRanker: "reranker",
        DocumentSplitter: "splitter",
        RagbraidSplitter: "splitter",
        MockChatGenerator: "generator",
        RagbraidChatGenerator: "generator",
        InMemoryDocumentStore: "loader",
        RagbraidDocumentStore: "loader",
        Converted: "loader",
        TextFileToDocument: None,
    }
    assert {cls: BRIDGE.kind(cls) for cls in kinds} == kinds


def test_a_retriever_is_a_step_with_its_scores_ids_and_metadata() -> None:
    with from_store() as pipeline:
        found = pipeline.search("days of holiday", 5)
        theirs = retriever().run("days of holiday", top_k=5)["documents"]
        assert [(each.id, each.text, each.metadata) for each in found] == [
            (each.id, each.content, each.meta) for each in theirs
        ]
        assert [each.score for each in found] == [each.score for each in theirs]
        assert pipeline.ask("How many days of holiday are there?").citations[0].source == "leave.md"
        (recent,) = pipeline.search("second class", 1, filter={"year": {"$gte": 2022}})
        assert recent.metadata["year"] == 2022


def test_a_file_may_name_one_where_its_module_is_allowed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(Path(__file__).parent)
    file = tmp_path / "ragbraid.yaml"
    file.write_text(
        'ragbraid: 1\nsearch:\n  - {type: haystack, object: "test_bridge:retriever"}\n'
        "ask:\n  - search\n  - {type: quote}\n"
    )
    with pytest.raises(InputError, match="--allow test_bridge"):
        Pipeline.load(file)
    with Pipeline.load(file, allow=["test_bridge"]) as pipeline:
        assert pipeline.search("holiday", 1)[0].id == "leave.md"


def test_loader_splitter_embedder_and_ranker_fill_and_search_an_index(tmp_path: Path) -> None:
    pair = Embedders(MockTextEmbedder(dimension=16), MockDocumentEmbedder(dimension=16))
    components = {
        "embedder": as_component(pair, max_tokens=400),
        "index": {"type": "faiss", "path": "index", "embedder": "embedder"},
    }
    with Pipeline.build(
        base=tmp_path,
        components=components,
        ingest=[
            as_component(STORE),
            as_component(DocumentSplitter(split_by="word", split_length=6)),
            "index",
        ],
        search=[{"type": "dense", "index": "index"}, as_component(LostInTheMiddleRanker())],
        ask=["search", {"type": "quote"}],
    ) as pipeline:
        report = pipeline.ingest()
        assert report.new == 3
        found = pipeline.search("days of holiday", 10)
        assert len(found) == sum(each.chunks for each in pipeline.sources())
        assert {hit.metadata["year"] for hit in found} == {2020, 2021, 2022}
        assert all(set(hit.scores) >= {"dense"} for hit in found)


def test_a_converter_with_its_files_is_a_loader(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("One barn.")
    loader = BRIDGE.part(Converted(TextFileToDocument(), [tmp_path / "a.txt"]))
    (found,) = loader.load()
    assert (found.text, found.source) == ("One barn.", "a.txt")


def test_a_generator_streams_and_stops_when_nobody_listens() -> None:
    with Pipeline.build(
        components={"llm": as_component(MockChatGenerator("one two three"))}, flows={}
    ) as pipeline:
        from ragbraid.generate.protocol import Request

        *pieces, completion = pipeline.part("generator").stream(Request("Hi"))
        assert "".join(pieces) == completion.text == "one two three"
        assert len(pieces) == 3
        before = threading.active_count()
        stream = pipeline.part("generator").stream(Request("Hi"))
        next(stream)
        stream.close()
        for thread in threading.enumerate():
            if thread.daemon and thread.name.startswith("Thread-"):
                thread.join(5)
        assert threading.active_count() <= before


def test_what_fails_inside_is_named_and_keeps_its_cause() -> None:
    def broken(messages: Any) -> str:
        raise RuntimeError("the server is down")

    with Pipeline.build(
        components={"llm": as_component(MockChatGenerator(response_fn=broken))}, flows={}
    ) as pipeline:
        from ragbraid.generate.protocol import Request

        (outcome,) = pipeline.part("generator").generate([Request("Hi")])
        assert "MockChatGenerator" in str(outcome)
        assert "the server is down" in str(outcome)
        assert isinstance(outcome.__cause__, RuntimeError)


def test_filters_cross_or_are_refused() -> None:
    assert untranslated({"year": {"$gte": 2020, "$ne": 2021}, "$not": {"lang": "de"}}) == {
        "operator": "AND",
        "conditions": [
            {
                "operator": "AND",
                "conditions": [
                    {"field": "meta.year", "operator": ">=", "value": 2020},
                    {"field": "meta.year", "operator": "!=", "value": 2021},
                ],
            },
            {"operator": "NOT", "conditions": [{"field": "meta.lang", "operator": "==", "value": "de"}]},
        ],
    }
    with pytest.raises(Unsupported, match=r"nothing like \$text"):
        untranslated({"a": {"$text": "x"}})
