"""LlamaIndex's own parts as steps of a ragbraid pipeline."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from llama_index.core import SimpleDirectoryReader, VectorStoreIndex
from llama_index.core.base.llms.types import CompletionResponse
from llama_index.core.embeddings import MockEmbedding
from llama_index.core.indices.vector_store import VectorIndexRetriever
from llama_index.core.llms.mock import MockLLM
from llama_index.core.node_parser import SentenceSplitter
from llama_index.core.postprocessor import SimilarityPostprocessor
from llama_index.core.schema import TextNode
from llama_index.core.vector_stores.types import FilterOperator
from llama_index_ragbraid import (
    RagbraidEmbedding,
    RagbraidLLM,
    RagbraidNodeParser,
    RagbraidReader,
    RagbraidReranker,
    RagbraidRetriever,
)
from llama_index_ragbraid.theirs import BRIDGE, untranslated
from parts import TEXTS, scripted

from ragbraid import InputError, Pipeline
from ragbraid.bridge import as_component
from ragbraid.errors import Unsupported
from ragbraid.generate.protocol import Request
from ragbraid.types import Message

NODES = [
    TextNode(id_=name, text=body.rpartition("---\n")[2], metadata={"n": {"k": [at]}, "year": 2020 + at})
    for at, (name, body) in enumerate(sorted(TEXTS.items()))
]


class Broken(MockLLM):
    def stream_complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> Any:
        raise RuntimeError("the server is down")


def index() -> VectorStoreIndex:
    return VectorStoreIndex(
        [each.model_copy() for each in NODES], embed_model=RagbraidEmbedding(scripted(), "hash")
    )


def test_each_class_has_its_kind() -> None:
    kinds: dict[type, str | None] = {
        MockEmbedding: "embedder",
        RagbraidEmbedding: "embedder",
        VectorStoreIndex: "retriever",
        VectorIndexRetriever: "retriever",
        RagbraidRetriever: "retriever",
        SimilarityPostprocessor: "reranker",
        RagbraidReranker: "reranker",
        SentenceSplitter: "splitter",
        RagbraidNodeParser: "splitter",
        MockLLM: "generator",
        RagbraidLLM: "generator",
        SimpleDirectoryReader: "loader",
        RagbraidReader: "loader",
        TextNode: None,
    }
    assert {cls: BRIDGE.kind(cls) for cls in kinds} == kinds


@pytest.mark.parametrize("whole", [True, False])
def test_an_index_or_its_retriever_is_a_step(whole: bool) -> None:
    made = index()
    theirs: Any = made if whole else made.as_retriever(similarity_top_k=1)
    with Pipeline.build(
        components={}, search=[as_component(theirs)], ask=["search", {"type": "quote"}]
    ) as pipeline:
        found = pipeline.search("days of holiday", 3)
        expected = made.as_retriever(similarity_top_k=3).retrieve("days of holiday")
        assert [(each.id, each.text, each.metadata, each.score) for each in found] == [
            (each.node_id, each.node.get_content("none"), each.node.metadata, each.score) for each in expected
        ]
        assert pipeline.ask("How many days of holiday are there?").citations[0].source == "leave.md"
        if whole:
            (recent,) = pipeline.search("second class", 1, filter={"year": {"$gte": 2022}})
            assert recent.metadata["year"] == 2022


def test_reader_parser_embedding_and_postprocessor_fill_and_search_an_index(tmp_path: Path) -> None:
    folder = tmp_path / "docs"
    folder.mkdir()
    for name, text in TEXTS.items():
        (folder / name.replace(".md", ".txt")).write_text(text, "utf-8")
    embedding = RagbraidEmbedding(scripted(), "hash")
    components = {
        "embedder": as_component(embedding, max_tokens=400),
        "index": {"type": "faiss", "path": "index", "embedder": "embedder"},
    }
    with Pipeline.build(
        base=tmp_path,
        components=components,
        ingest=[
            as_component(SimpleDirectoryReader(str(folder))),
            as_component(SentenceSplitter(chunk_size=30, chunk_overlap=0)),
            "index",
        ],
        search=[
            {"type": "dense", "index": "index"},
            as_component(SimilarityPostprocessor(similarity_cutoff=-1.0)),
        ],
        ask=["search", {"type": "quote"}],
    ) as pipeline:
        assert pipeline.ingest().new == 3
        found = pipeline.search("days of holiday", 20)
        assert len(found) == sum(each.chunks for each in pipeline.sources())
        assert all(each.metadata["file_name"] for each in found)
        assert any(each.source.endswith("leave.txt") for each in found)


def test_a_model_streams_and_what_fails_inside_is_named() -> None:
    chat = (Message("user", "one two"),)
    with Pipeline.build(
        components={"llm": as_component(RagbraidLLM(scripted("one two", "one two"), "script"))}, flows={}
    ) as pipeline:
        *pieces, completion = pipeline.part("generator").stream(Request(chat))
        assert [each for each in pieces if each] == ["one", " two"]
        assert (completion.text, completion.usage.completion_tokens) == ("one two", 2)
    with Pipeline.build(components={"llm": as_component(Broken())}, flows={}) as broken:
        (outcome,) = broken.part("generator").generate([Request("Hi")])
        assert "Broken" in str(outcome)
        assert "the server is down" in str(outcome)
        assert isinstance(outcome.__cause__, RuntimeError)  # type: ignore[union-attr]
    with Pipeline.build(components={"llm": as_component(MockLLM())}, flows={}) as mock:
        (echoed,) = mock.part("generator").generate([Request("one two")])
        assert echoed.text == "one two"  # type: ignore[union-attr]


def test_a_model_stops_when_nobody_listens() -> None:
    said: list[str] = []

    class Slow(MockLLM):
        def stream_complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> Any:
            def pieces() -> Any:
                for each in ("one", " two", " three"):
                    said.append(each)
                    yield CompletionResponse(text=each, delta=each)

            return pieces()

    with Pipeline.build(components={"llm": as_component(Slow())}, flows={}) as pipeline:
        pieces = pipeline.part("generator").stream(Request("Hi"))
        assert next(pieces) == "one"
        pieces.close()
    assert said == ["one"]


def test_a_reader_that_wants_arguments_is_refused_with_a_sentence() -> None:
    with pytest.raises(InputError, match=r"RagbraidReader\.load_data wants arguments"):
        list(BRIDGE.part(RagbraidReader()).load())


def test_filters_cross_or_are_refused() -> None:
    found = untranslated({"year": {"$gte": 2020, "$empty": True}, "$not": {"lang": "de"}})
    assert [getattr(each, "operator", None) for each in found.filters] == [
        FilterOperator.GTE,
        FilterOperator.IS_EMPTY,
        None,
    ]
    with pytest.raises(Unsupported, match=r"nothing like \$exists"):
        untranslated({"a": {"$exists": True}})
