"""The embedding model."""

from __future__ import annotations

import asyncio
from typing import Any

from llama_index.core.base.embeddings.base import BaseEmbedding
from llama_index.core.bridge.pydantic import Field, PrivateAttr

from llama_index_ragbraid.lending import Spec, Where, lender, model_name
from ragbraid.pipeline.lender import Lender

DEFAULT = {"type": "sentence-transformer"}


class RagbraidEmbedding(BaseEmbedding):
    """Embeds queries and texts by the embedder of a ragbraid pipeline or by one alone; all of unit length.

    `component` is its name in the pipeline, by default the one that `ask` uses, or a component such as
    `{"type": "sentence-transformer", "model": "all-minilm-l6-v2"}`, which is what stands for nothing. A text
    over the model's limit is refused, with both numbers.
    """

    pipeline: Any = Field(default=None, description="A pipeline file, or an open pipeline.")
    component: Any = Field(default=None, description="A component by name, or as a file writes it.")
    _lender: Lender = PrivateAttr()

    def __init__(self, pipeline: Where = None, component: Spec = None, **given: Any) -> None:
        given.setdefault("model_name", model_name(component, DEFAULT))
        super().__init__(pipeline=pipeline, component=component, **given)
        self._lender = lender(pipeline, component, DEFAULT)

    @classmethod
    def class_name(cls) -> str:
        """The name that it is serialised by."""
        return "RagbraidEmbedding"

    def close(self) -> None:
        """Give back what was opened here; the next call opens it again."""
        self._lender.close()

    def _embed(self, texts: list[str], purpose: str) -> list[list[float]]:
        rows = self._lender.part("embedder").embed(texts, purpose) if texts else []
        return [each.tolist() for each in rows]

    def _get_query_embedding(self, query: str) -> list[float]:
        return self._embed([query], "query")[0]

    def _get_text_embedding(self, text: str) -> list[float]:
        return self._embed([text], "passage")[0]

    def _get_text_embeddings(self, texts: list[str]) -> list[list[float]]:
        return self._embed(texts, "passage")

    async def _aget_query_embedding(self, query: str) -> list[float]:
        return await asyncio.to_thread(self._get_query_embedding, query)

    async def _aget_text_embedding(self, text: str) -> list[float]:
        return await asyncio.to_thread(self._get_text_embedding, text)

    async def _aget_text_embeddings(self, texts: list[str]) -> list[list[float]]:
        return await asyncio.to_thread(self._get_text_embeddings, texts)
