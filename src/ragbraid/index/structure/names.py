"""What is known of structures without FAISS: their names in a pipeline file, and when there is one."""

from __future__ import annotations

from typing import Literal, TypeAlias

Name: TypeAlias = Literal["auto", "flat", "sq8", "hnsw", "ivf-sq8", "ivf-pq", "rabitq", "cagra"]

Device: TypeAlias = Literal["auto", "cpu", "cuda"]
"""Where it is searched; `auto` takes a GPU where it is worth it, see `gpu.choice`."""

SMALL = 50_000
"""Fewer vectors than this are compared one by one, whatever the structure: it takes a few milliseconds."""
