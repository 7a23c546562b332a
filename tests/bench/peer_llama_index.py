"""LlamaIndex's side: a RetrieverQueryEngine with its defaults, and the stub model and embedding."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import work
from llama_index.core import PromptTemplate, VectorStoreIndex
from llama_index.core.base.base_retriever import BaseRetriever
from llama_index.core.embeddings import BaseEmbedding
from llama_index.core.llms import CompletionResponse, CompletionResponseGen, CustomLLM, LLMMetadata
from llama_index.core.llms.callbacks import llm_completion_callback
from llama_index.core.postprocessor.types import BaseNodePostprocessor
from llama_index.core.query_engine import RetrieverQueryEngine
from llama_index.core.schema import NodeWithScore, QueryBundle, TextNode


class StubEmbedding(BaseEmbedding):
    def _get_query_embedding(self, query: str) -> Any:
        return work.embed(query)

    async def _aget_query_embedding(self, query: str) -> Any:
        return work.embed(query)

    def _get_text_embedding(self, text: str) -> list[float]:
        return work.embed(text).tolist()


class StubModel(CustomLLM):
    @property
    def metadata(self) -> LLMMetadata:
        return LLMMetadata(context_window=8192, num_output=256)

    @llm_completion_callback()
    def complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponse:
        return CompletionResponse(text=work.generate(prompt))

    @llm_completion_callback()
    def stream_complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponseGen:
        raise NotImplementedError


NODES = [TextNode(id_=str(row), text=text) for row, text in enumerate(work.TEXTS)]


class ListRetriever(BaseRetriever):
    def __init__(self) -> None:
        self.embedding = StubEmbedding()
        super().__init__()

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        vector: Any = self.embedding.get_query_embedding(query_bundle.query_str)
        return [NodeWithScore(node=NODES[row], score=score) for row, score in work.search(vector, work.K)]


class Same(BaseNodePostprocessor):
    def _postprocess_nodes(
        self, nodes: list[NodeWithScore], query_bundle: QueryBundle | None = None
    ) -> list[NodeWithScore]:
        return nodes


def _engine(retriever: BaseRetriever, extra: int) -> Callable[[str], str]:
    engine = RetrieverQueryEngine.from_args(
        retriever,
        llm=StubModel(),
        text_qa_template=PromptTemplate(work.prompt("{query_str}", ["{context_str}"])),
        node_postprocessors=[Same() for _ in range(extra)],
    )
    return lambda question: str(engine.query(question))


def over_list(extra: int) -> Callable[[str], str]:
    return _engine(ListRetriever(), extra)


def over_index() -> Callable[[str], str]:
    index = VectorStoreIndex(NODES, embed_model=StubEmbedding())
    return _engine(index.as_retriever(similarity_top_k=work.K), 0)
