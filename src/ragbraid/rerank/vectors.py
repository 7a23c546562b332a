"""The vectors that an index holds of hits."""

from __future__ import annotations

from collections.abc import Sequence

from ragbraid.errors import IndexStoreError
from ragbraid.index.protocol import Index
from ragbraid.types import Hit, Vectors


def vectors_of(index: Index, hits: Sequence[Hit], instead: str) -> Vectors:
    """One unit vector a hit, as the index keeps them.

    Raises `IndexStoreError` where it has none; `instead` is what to take then.
    """
    held = None if index.embedder is None else index.vectors([hit.id for hit in hits])
    if held is None:
        raise IndexStoreError(
            "The index has no vectors, and this step compares those of the hits.",
            f"Give it an `embedder` and ingest anew, or take {instead}.",
        )
    return held
