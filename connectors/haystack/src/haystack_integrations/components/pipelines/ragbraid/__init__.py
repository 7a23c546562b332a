"""Whole ragbraid pipelines: answers with their sources, and search alone."""

from haystack_integrations.components.pipelines.ragbraid.pipeline import RagbraidPipeline
from haystack_integrations.components.pipelines.ragbraid.search import RagbraidSearch
from haystack_integrations.components.pipelines.ragbraid.super_component import RagbraidSuperComponent

__all__ = ["RagbraidPipeline", "RagbraidSearch", "RagbraidSuperComponent"]
