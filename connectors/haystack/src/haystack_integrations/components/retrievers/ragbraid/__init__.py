"""Retrievers: by embedding and by words from a store, and by a whole pipeline's search."""

from haystack_integrations.components.retrievers.ragbraid.bm25_retriever import RagbraidBM25Retriever
from haystack_integrations.components.retrievers.ragbraid.embedding_retriever import (
    RagbraidEmbeddingRetriever,
)

__all__ = ["RagbraidBM25Retriever", "RagbraidEmbeddingRetriever"]
