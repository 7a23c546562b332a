"""A document store in one folder, searched by embedding and by words."""

from haystack_integrations.document_stores.ragbraid.document_store import RagbraidDocumentStore

__all__ = ["RagbraidDocumentStore"]
