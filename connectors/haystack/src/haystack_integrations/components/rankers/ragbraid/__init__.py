"""A ranker."""

from haystack_integrations.components.rankers.ragbraid.ranker import RagbraidRanker

__all__ = ["RagbraidRanker"]
