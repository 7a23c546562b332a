"""LanceDB as an index of ragbraid."""

from ragbraid_lancedb.component import LanceDb

__all__ = ["LanceDb"]
