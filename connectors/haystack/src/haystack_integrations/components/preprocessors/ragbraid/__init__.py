"""A splitter."""

from haystack_integrations.components.preprocessors.ragbraid.splitter import RagbraidSplitter

__all__ = ["RagbraidSplitter"]
