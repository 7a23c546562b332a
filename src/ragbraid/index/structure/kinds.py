"""The FAISS structures that an index can have, each by the name it has in a pipeline file."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import faiss

_PER_LIST = 48
"""Vectors per list that k-means sees."""
_MOST_LISTS = 65_536


@dataclass(frozen=True, slots=True)
class Kind:
    """How a structure is made and searched.

    `factory` is FAISS's own word for it, with `{lists}` and `{parts}` to be filled in. An effort is how many
    lists are looked into, or how many candidates a search in a graph keeps. `keep` candidates for each hit
    are compared exactly.
    """

    factory: str
    efforts: tuple[int, ...]
    keep: int

    @property
    def clustered(self) -> bool:
        """Whether it sorts vectors into lists, which can be joined and need to be learned."""
        return self.factory.startswith("IVF")

    def untrained(self, dimensions: int, lists: int) -> Any:
        """An empty FAISS index for vectors of unit length that takes ids."""
        parts = next(each for each in range(max(dimensions // 4, 1), 0, -1) if dimensions % each == 0)
        described = self.factory.format(lists=lists, parts=parts)
        made: Any = faiss.index_factory(dimensions, described, faiss.METRIC_INNER_PRODUCT)
        return made

    def parameters(self, effort: int, selector: Any) -> Any:
        """What a search is given."""
        chosen = {} if selector is None else {"sel": selector}
        library: Any = faiss  # its types know little of these
        if self.clustered:
            return library.SearchParametersIVF(nprobe=effort, **chosen)
        if "HNSW" in self.factory:
            return library.SearchParametersHNSW(efSearch=effort, **chosen)
        return library.SearchParameters(**chosen)


_LADDER = (4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 512, 1024)

KINDS: Mapping[str, Kind] = {
    "sq8": Kind("IDMap,SQ8", (0,), 4),
    "hnsw": Kind("IDMap,HNSW32,SQ8", tuple(each for each in _LADDER if each >= 16), 4),
    "ivf-sq8": Kind("IVF{lists},SQ8", _LADDER, 4),
    "ivf-pq": Kind("IVF{lists},PQ{parts}", _LADDER, 40),
    "rabitq": Kind("IVF{lists},RaBitQ", _LADDER, 40),
}


def lists_for(count: int) -> int:
    """How many lists so many vectors are sorted into: twice the root, so that a list holds half of it."""
    return max(1, min(round(2 * math.sqrt(count)), _MOST_LISTS))


def training_rows(count: int, lists: int) -> int:
    """How many of `count` vectors the lists are learned from."""
    return min(count, max(lists * _PER_LIST, 10_000))
