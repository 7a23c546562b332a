"""The retriever by embedding."""

from __future__ import annotations

from typing import Any

from haystack import Document, component
from haystack_integrations.components.retrievers.ragbraid.from_store import FromStore


@component
class RagbraidEmbeddingRetriever(FromStore):
    """Finds the documents of a `RagbraidDocumentStore` that are nearest to an embedding, by cosine.

    With a filter `top_k` documents come back whenever as many pass it.
    """

    @component.output_types(documents=list[Document])
    def run(
        self, query_embedding: list[float], filters: dict[str, Any] | None = None, top_k: int | None = None
    ) -> dict[str, list[Document]]:
        """The documents, best first."""
        options = self._options(filters, top_k)
        return {"documents": self.document_store.embedding_retrieval(query_embedding, **options)}

    @component.output_types(documents=list[Document])
    async def run_async(
        self, query_embedding: list[float], filters: dict[str, Any] | None = None, top_k: int | None = None
    ) -> dict[str, list[Document]]:
        """`run`, in a thread."""
        options = self._options(filters, top_k)
        return {"documents": await self.document_store.embedding_retrieval_async(query_embedding, **options)}
