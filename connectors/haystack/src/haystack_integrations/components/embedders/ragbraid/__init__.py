"""Embedders of texts and of documents, on this machine."""

from haystack_integrations.components.embedders.ragbraid.document_embedder import RagbraidDocumentEmbedder
from haystack_integrations.components.embedders.ragbraid.text_embedder import RagbraidTextEmbedder

__all__ = ["RagbraidDocumentEmbedder", "RagbraidTextEmbedder"]
