"""Hits whose metadata says that they matter more."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from annotated_types import Ge

from ragbraid.hits import ranked
from ragbraid.rerank.fusion import standardised
from ragbraid.types import Hit


@dataclass(frozen=True, slots=True)
class Boost:
    """Ranks hits by their score and by what the metadata's `field` says.

    To a score's z-score among the first `max(k, candidates)` hits comes what `values` has for the value there
    (`{manual: 1.0, forum: -0.5}`; of a list, the most that one of its items has), and `otherwise` where it
    has nothing for it. Later hits are dropped; ties by id.
    """

    field: str
    values: Mapping[str, float] = dataclasses.field(default_factory=dict, hash=False)
    otherwise: float = 0.0
    candidates: Annotated[int, Ge(1)] = 50

    blocking: ClassVar[bool] = False

    def __call__(self, hits: list[Hit], k: int) -> list[Hit]:
        """The hits in their new order, each with its score under `boost`."""
        pool = hits[: max(k, self.candidates)]
        scores = standardised([hit.score for hit in pool])
        extra = (self._extra(hit.metadata.get(self.field)) for hit in pool)
        return ranked(pool, "boost", [score + more for score, more in zip(scores, extra, strict=True)])

    def _extra(self, value: Any) -> float:
        if isinstance(value, list | tuple):
            return max(map(self._extra, value), default=self.otherwise)
        key = str(value).lower() if isinstance(value, bool) else str(value)
        return self.values.get(key, self.otherwise)
