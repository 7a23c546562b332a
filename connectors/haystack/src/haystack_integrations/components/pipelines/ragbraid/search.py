"""A pipeline's search as a retriever."""

from __future__ import annotations

from typing import Any

from haystack import Document, component
from haystack.document_stores.types import FilterPolicy, apply_filter_policy
from haystack_integrations.common.ragbraid import as_document
from haystack_integrations.common.ragbraid.lending import Lending, Where
from haystack_integrations.common.ragbraid.values import as_filter


@component
class RagbraidSearch(Lending):
    """Finds passages by the whole `search` flow of a ragbraid pipeline: fused, reranked, as its file says.

    `pipeline` is a file or an open pipeline; None is the `ragbraid.yaml` of this folder or one above it.
    Filters are Haystack's, or ragbraid's own. Each document's meta has its place, its page and each stage's
    score under `ragbraid`.
    """

    def __init__(
        self,
        pipeline: Where = None,
        *,
        top_k: int = 10,
        filters: dict[str, Any] | None = None,
        filter_policy: str | FilterPolicy = FilterPolicy.REPLACE,
        collection: str | None = None,
    ) -> None:
        Lending.__init__(self, pipeline)
        self.top_k = top_k
        self.filters = filters
        self.filter_policy = (
            filter_policy if isinstance(filter_policy, FilterPolicy) else FilterPolicy.from_str(filter_policy)
        )
        self.collection = collection

    def to_dict(self) -> dict[str, Any]:
        """The component as a pipeline's file says it."""
        return self._to_dict(
            top_k=self.top_k,
            filters=self.filters,
            filter_policy=self.filter_policy.value,
            collection=self.collection,
        )

    def warm_up(self) -> None:
        """Load weights and index now."""
        self._lender.pipeline.open()

    @component.output_types(documents=list[Document])
    def run(
        self, query: str, filters: dict[str, Any] | None = None, top_k: int | None = None
    ) -> dict[str, list[Document]]:
        """The passages, best first."""
        found = self._lender.pipeline.search(query, **self._options(filters, top_k))
        return {"documents": [as_document(each) for each in found]}

    @component.output_types(documents=list[Document])
    async def run_async(
        self, query: str, filters: dict[str, Any] | None = None, top_k: int | None = None
    ) -> dict[str, list[Document]]:
        """`run` under asyncio; cancelling the task cancels the search."""
        found = await self._lender.pipeline.asearch(query, **self._options(filters, top_k))
        return {"documents": [as_document(each) for each in found]}

    def _options(self, filters: dict[str, Any] | None, top_k: int | None) -> dict[str, Any]:
        return {
            "k": self.top_k if top_k is None else top_k,
            "filter": as_filter(apply_filter_policy(self.filter_policy, self.filters, filters)),
            "collection": self.collection,
        }
