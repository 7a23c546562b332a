"""Several rankings as one, a hit of each in turn."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import zip_longest

from ragbraid.rerank.fusion import fused
from ragbraid.types import Hit


@dataclass(frozen=True, slots=True)
class Interleave:
    """Puts several lists of hits into one: the first of each list, then the second of each, and so on.

    For lists that answer different questions, each of which shall be heard: fusions by ranks or scores prefer
    what several lists have. A hit stands where it is met first, and has 1 / its place as its score.
    """

    def __call__(self, hits: list[list[Hit]]) -> list[Hit]:
        """Every hit once."""
        places: dict[str, float] = {}
        for row in zip_longest(*hits):
            for hit in row:
                if hit is not None:
                    places.setdefault(hit.id, 1 / (len(places) + 1))
        return fused(hits, "interleave", places)
