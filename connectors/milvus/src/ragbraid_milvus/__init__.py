"""Milvus as an index of ragbraid."""

from ragbraid_milvus.component import Milvus

__all__ = ["Milvus"]
