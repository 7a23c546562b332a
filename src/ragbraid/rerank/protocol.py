"""The contract of a reranker: the same hits, better ordered."""

from __future__ import annotations

from typing import Protocol

from ragbraid.types import Hit


class Reranker(Protocol):
    """Orders hits anew for a question; it may drop hits beyond `max(k, candidates)`, and adds none."""

    def __call__(self, question: str, hits: list[Hit], k: int) -> list[Hit]: ...
