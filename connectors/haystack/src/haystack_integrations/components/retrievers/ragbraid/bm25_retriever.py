"""The retriever by words."""

from __future__ import annotations

from typing import Any

from haystack import Document, component
from haystack_integrations.components.retrievers.ragbraid.from_store import FromStore


@component
class RagbraidBM25Retriever(FromStore):
    """Finds the documents of a `RagbraidDocumentStore` that fit a query's words best, by BM25.

    Nothing in a query is a syntax error: its words are looked for as they stand, in their forms.
    """

    @component.output_types(documents=list[Document])
    def run(
        self, query: str, filters: dict[str, Any] | None = None, top_k: int | None = None
    ) -> dict[str, list[Document]]:
        """The documents, best first."""
        return {"documents": self.document_store.bm25_retrieval(query, **self._options(filters, top_k))}

    @component.output_types(documents=list[Document])
    async def run_async(
        self, query: str, filters: dict[str, Any] | None = None, top_k: int | None = None
    ) -> dict[str, list[Document]]:
        """`run`, in a thread."""
        options = self._options(filters, top_k)
        return {"documents": await self.document_store.bm25_retrieval_async(query, **options)}
