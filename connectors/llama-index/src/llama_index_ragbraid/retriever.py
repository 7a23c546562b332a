"""A pipeline's search as a retriever."""

from __future__ import annotations

from typing import Any

from llama_index.core.base.base_retriever import BaseRetriever
from llama_index.core.schema import NodeWithScore, QueryBundle

from llama_index_ragbraid.asking import Asking, Filters
from llama_index_ragbraid.lending import Where


class RagbraidRetriever(BaseRetriever):
    """Finds passages by the whole `search` flow of a ragbraid pipeline: fused, reranked, as its file says.

    `pipeline` is a file or an open pipeline; None is the `ragbraid.yaml` of this folder or one above it. Each
    node's metadata has its place, its page and each stage's score under `ragbraid`.
    """

    def __init__(
        self,
        pipeline: Where = None,
        *,
        similarity_top_k: int = 10,
        filters: Filters = None,
        collection: str | None = None,
        timeout: float | None = None,
        **given: Any,
    ) -> None:
        self._asking = Asking(pipeline, filters, collection, timeout)
        self.similarity_top_k = similarity_top_k
        super().__init__(**given)

    def close(self) -> None:
        """Close the pipeline, if it was opened here; the next question opens it again."""
        self._asking.close()

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        return self._asking.search(query_bundle.query_str, self.similarity_top_k)

    async def _aretrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        return await self._asking.asearch(query_bundle.query_str, self.similarity_top_k)
