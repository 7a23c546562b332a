"""A converter of files."""

from haystack_integrations.components.converters.ragbraid.converter import RagbraidFileToDocument

__all__ = ["RagbraidFileToDocument"]
