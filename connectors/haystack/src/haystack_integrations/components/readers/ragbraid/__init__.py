"""A reader: documents in, an answer with verified citations out."""

from haystack_integrations.components.readers.ragbraid.reader import RagbraidReader

__all__ = ["RagbraidReader"]
