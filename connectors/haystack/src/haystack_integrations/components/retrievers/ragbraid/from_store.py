"""What both retrievers of the document store have in common."""

from __future__ import annotations

from typing import Any

from haystack import default_to_dict
from haystack.document_stores.types import FilterPolicy, apply_filter_policy
from haystack_integrations.document_stores.ragbraid import RagbraidDocumentStore


class FromStore:
    """Settings of a retriever that asks a `RagbraidDocumentStore`."""

    def __init__(
        self,
        document_store: RagbraidDocumentStore,
        *,
        filters: dict[str, Any] | None = None,
        top_k: int = 10,
        return_embedding: bool = False,
        filter_policy: str | FilterPolicy = FilterPolicy.REPLACE,
    ) -> None:
        if not isinstance(document_store, RagbraidDocumentStore):
            raise ValueError(
                f"document_store is a RagbraidDocumentStore, not a {type(document_store).__name__}."
            )
        if top_k < 1:
            raise ValueError(f"top_k is a number of documents, at least 1, not {top_k}.")
        self.document_store = document_store
        self.filters = filters
        self.top_k = top_k
        self.return_embedding = return_embedding
        self.filter_policy = (
            filter_policy if isinstance(filter_policy, FilterPolicy) else FilterPolicy.from_str(filter_policy)
        )

    def to_dict(self) -> dict[str, Any]:
        """The component as a pipeline's file says it."""
        return default_to_dict(
            self,
            document_store=self.document_store,
            filters=self.filters,
            top_k=self.top_k,
            return_embedding=self.return_embedding,
            filter_policy=self.filter_policy.value,
        )

    def _options(self, filters: dict[str, Any] | None, top_k: int | None) -> dict[str, Any]:
        return {
            "filters": apply_filter_policy(self.filter_policy, self.filters, filters),
            "top_k": self.top_k if top_k is None else top_k,
            "return_embedding": self.return_embedding,
        }
