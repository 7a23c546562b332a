"""Haystack's side: text embedder → retriever → prompt builder → generator in one Pipeline."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import work
from haystack import Document, Pipeline, component
from haystack.components.builders import PromptBuilder
from haystack.components.retrievers.in_memory import InMemoryEmbeddingRetriever
from haystack.document_stores.in_memory import InMemoryDocumentStore

TEMPLATE = work.prompt("{{ question }}", ["{{ documents | map(attribute='content') | join('\\n\\n') }}"])
DOCUMENTS = [Document(id=str(row), content=text) for row, text in enumerate(work.TEXTS)]


@component
class StubTextEmbedder:
    @component.output_types(embedding=list[float])
    def run(self, text: str) -> dict[str, Any]:
        return {"embedding": work.embed(text)}


@component
class StubTextEmbedderAsList:
    """The in-memory store wants a list where the list store takes the vector as it is."""

    @component.output_types(embedding=list[float])
    def run(self, text: str) -> dict[str, Any]:
        return {"embedding": work.embed(text).tolist()}


@component
class ListRetriever:
    @component.output_types(documents=list[Document])
    def run(self, query_embedding: list[float]) -> dict[str, Any]:
        found: Any = work.search(query_embedding, work.K)  # type: ignore[arg-type]
        return {"documents": [DOCUMENTS[row] for row, _ in found]}


@component
class StubGenerator:
    @component.output_types(replies=list[str])
    def run(self, prompt: str) -> dict[str, Any]:
        return {"replies": [work.generate(prompt)]}


@component
class Same:
    @component.output_types(documents=list[Document])
    def run(self, documents: list[Document]) -> dict[str, Any]:
        return {"documents": documents}


def _pipeline(embedder: Any, retriever: Any, extra: int) -> Callable[[str], str]:
    pipeline = Pipeline()
    pipeline.add_component("embedder", embedder)
    pipeline.add_component("retriever", retriever)
    pipeline.add_component("prompt", PromptBuilder(TEMPLATE))
    pipeline.add_component("generator", StubGenerator())
    pipeline.connect("embedder.embedding", "retriever.query_embedding")
    last = "retriever"
    for number in range(extra):
        pipeline.add_component(f"same{number}", Same())
        pipeline.connect(f"{last}.documents", f"same{number}.documents")
        last = f"same{number}"
    pipeline.connect(f"{last}.documents", "prompt.documents")
    pipeline.connect("prompt.prompt", "generator.prompt")

    def ask(question: str) -> str:
        result = pipeline.run({"embedder": {"text": question}, "prompt": {"question": question}})
        return str(result["generator"]["replies"][0])

    return ask


def over_list(extra: int) -> Callable[[str], str]:
    return _pipeline(StubTextEmbedder(), ListRetriever(), extra)


def over_index() -> Callable[[str], str]:
    store = InMemoryDocumentStore(embedding_similarity_function="dot_product")
    store.write_documents(
        [
            Document(id=str(row), content=text, embedding=work.embed(text).tolist())
            for row, text in enumerate(work.TEXTS)
        ]
    )
    return _pipeline(StubTextEmbedderAsList(), InMemoryEmbeddingRetriever(store, top_k=work.K), 0)
