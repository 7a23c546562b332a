"""Qdrant as an index of ragbraid."""

from ragbraid_qdrant.component import Qdrant

__all__ = ["Qdrant"]
