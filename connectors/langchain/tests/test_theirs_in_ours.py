"""Parts of LangChain as steps of a pipeline, in Python and in a file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from langchain_core.document_loaders import BaseLoader
from langchain_core.documents import BaseDocumentCompressor, BaseDocumentTransformer, Document
from langchain_core.embeddings import DeterministicFakeEmbedding
from langchain_core.language_models import FakeListLLM, GenericFakeChatModel
from langchain_core.messages import AIMessage
from langchain_core.retrievers import BaseRetriever
from langchain_core.vectorstores import InMemoryVectorStore
from langchain_ragbraid import ChatRagbraid, RagbraidRetriever, RagbraidVectorStore

from ragbraid import InputError, Pipeline, PipelineFileError
from ragbraid.bridge import as_component
from ragbraid.errors import GenerationError, IndexStoreError, StepError, Unsupported
from ragbraid.generate.protocol import JsonSchema, Regex, Request
from ragbraid.testing.generator import GeneratorConformance
from ragbraid.types import Hit, Message

META = {"tags": ["a"], "n": {"k": 1}}


class Notes(BaseRetriever):
    """Two notes, whatever one asks."""

    broken: bool = False

    def _get_relevant_documents(self, query: str, *, run_manager: Any) -> list[Document]:
        if self.broken:
            raise ConnectionError("no route")
        return [Document(page_content="One.", metadata=META), Document(id="b", page_content="Two.")]


class Shortest(BaseDocumentCompressor):
    """Copies documents, as some do, and tells scores as Cohere's does."""

    def compress_documents(self, documents: Any, query: str, callbacks: Any = None) -> list[Document]:
        ordered = sorted(documents, key=lambda each: len(each.page_content))[:1]
        return [
            Document(
                id=each.id, page_content="shortened", metadata={**each.metadata, "relevance_score": 0.25}
            )
            for each in ordered
        ]


class Measured(BaseDocumentCompressor):
    """Scores as numpy and torch give them, which are no floats of Python's."""

    def compress_documents(self, documents: Any, query: str, callbacks: Any = None) -> list[Document]:
        for number, each in enumerate(documents):
            each.metadata["relevance_score"] = np.float32(0.75 - number / 2)
        return list(documents)


class Paragraphs(BaseDocumentTransformer):
    def transform_documents(self, documents: Any, **kwargs: Any) -> list[Document]:
        return [
            Document(page_content=text, metadata={**each.metadata, "part": number})
            for each in documents
            for number, text in enumerate(each.page_content.split("\n\n"))
        ]


class Files(BaseLoader):
    def lazy_load(self) -> Iterator[Document]:
        yield Document(page_content="First.\n\nSecond one.", metadata={"source": "x.txt", **META})


def make_notes() -> BaseRetriever:
    return Notes()


def test_a_rerankers_numpy_scores_are_told() -> None:
    with Pipeline.build(search=[as_component(Notes()), as_component(Measured())]) as pipeline:
        scores = [each.score for each in pipeline.search("q", k=2)]
    assert scores == [0.75, 0.25]
    assert [*map(type, scores)] == [float, float]


def test_a_retriever_and_a_reranker_keep_text_metadata_and_scores() -> None:
    with Pipeline.build(search=[as_component(Notes()), as_component(Shortest())]) as pipeline:
        (hit,) = pipeline.search("q", k=2)
    assert (hit.text, hit.metadata, hit.score) == ("One.", META, 0.25)
    assert len(hit.scores) == 2


def test_our_own_hits_come_back_the_very_same(pipeline: Pipeline) -> None:
    ours = RagbraidRetriever(pipeline=pipeline, k=3)
    with Pipeline.build(search=[as_component(ours)]) as around:
        found = around.search("When does the office open?", k=3)
    for hit, own in zip(found, pipeline.search("When does the office open?", k=3), strict=True):
        assert (hit.id, hit.source, hit.start, hit.end, hit.text, hit.metadata, hit.content_hash) == (
            own.id, own.source, own.start, own.end, own.text, own.metadata, own.content_hash
        )  # fmt: skip
        assert own.scores.items() <= hit.scores.items()


def test_a_vector_store_tells_scores_and_only_ours_keeps_to_filters(tmp_path: Path) -> None:
    embedding = DeterministicFakeEmbedding(size=8)
    theirs = InMemoryVectorStore(embedding)
    ours = RagbraidVectorStore(embedding, tmp_path / "store")
    for store in (theirs, ours):
        store.add_texts(["a", "b"], [{"n": 1}, {"n": 2}], ids=["1", "2"])
        with Pipeline.build(search=[as_component(store)]) as pipeline:
            hits = pipeline.search("a", k=1)
            assert (hits[0].id, hits[0].metadata, round(hits[0].score, 4)) == ("1", {"n": 1}, 1.0)
            if store is ours:
                assert [each.id for each in pipeline.search("a", filter={"n": 2})] == ["2"]
            else:
                with pytest.raises(IndexStoreError, match="can't keep to a filter"):
                    pipeline.search("a", filter={"n": 2})
    ours.close()


def test_an_ingest_of_langchains_parts_alone(tmp_path: Path) -> None:
    index = {"type": "faiss", "path": str(tmp_path / "index"), "embedder": "embedder"}
    with Pipeline.build(
        components={"embedder": as_component(DeterministicFakeEmbedding(size=16)), "index": index},
        ingest=[as_component(Files(), name="shop"), as_component(Paragraphs()), "index"],
        search=[{"type": "dense", "index": "index"}],
    ) as pipeline:
        pipeline.ingest([])
        document = pipeline.document("loader:shop/x.txt")
        assert [(each.text, each.start, each.metadata["part"]) for each in document.chunks] == [
            ("First.", 0, 0), ("Second one.", 8, 1)
        ]  # fmt: skip
        assert document.metadata["n"] == {"k": 1}
        assert pipeline.ingest([]).unchanged == 1
        assert pipeline.search("First.", k=1)[0].text == "First."


def test_an_error_names_the_part_and_keeps_its_cause() -> None:
    with (
        Pipeline.build(search=[as_component(Notes(broken=True))]) as pipeline,
        pytest.raises(
            StepError, match=r"test_theirs_in_ours.Notes failed with ConnectionError: no route"
        ) as e,
    ):
        pipeline.search("q")
    assert isinstance(e.value.__cause__, ConnectionError)


FILE = """\
ragbraid: 1
search:
  - {type: langchain, object: "theirs_for_a_file:make_notes"}
"""


def test_a_file_names_what_may_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "theirs_for_a_file.py").write_text(Path(__file__).read_text("utf-8"), "utf-8")
    (tmp_path / "ragbraid.yaml").write_text(FILE, "utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(PipelineFileError, match="add --allow theirs_for_a_file"):
        Pipeline.load(tmp_path / "ragbraid.yaml")
    with Pipeline.load(tmp_path / "ragbraid.yaml", allow=["theirs_for_a_file"]) as pipeline:
        assert [each.text for each in pipeline.search("q")] == ["One.", "Two."]


def test_what_has_no_place_in_a_pipeline_is_refused() -> None:
    with pytest.raises(InputError, match="A Document of langchain can't be a step"):
        as_component(Document(page_content="x"))


class TestAModelOfTheirs(GeneratorConformance):
    """Our own model, given to LangChain and taken back: it keeps the contract on the whole way."""

    prompts = 4

    def make(self) -> Any:
        return as_component(ChatRagbraid(component={"type": "testing/echo-generator"})).open()

    holds_json = False


def test_models_stream_and_say_what_they_cannot() -> None:
    chat = as_component(GenericFakeChatModel(messages=iter([AIMessage("Nine o'clock sharp.")] * 2))).open()
    request = Request((Message("system", "Be short."), Message("user", "When?")))
    *pieces, last = chat.stream(request)
    assert len(pieces) > 1
    assert "".join(pieces) == last.text == "Nine o'clock sharp."
    text = as_component(FakeListLLM(responses=["abc stop def"])).open()
    (completion,) = text.generate([Request("x", stop=(" stop",))])
    assert completion.text == "abc"
    for constraint in (Regex("a+"), JsonSchema({"type": "object"})):
        (error,) = text.generate([Request("x", constraint=constraint)])
        assert isinstance(error, Unsupported)
    with pytest.raises(Unsupported):
        text.score("x", ["y"])
    empty = as_component(GenericFakeChatModel(messages=iter([]))).open()
    (error,) = empty.generate([request])
    assert isinstance(error, GenerationError)


def test_hits_are_hits() -> None:
    with Pipeline.build(search=[as_component(make_notes)]) as pipeline:
        assert all(isinstance(each, Hit) for each in pipeline.search("q"))
