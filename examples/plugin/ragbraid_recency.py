"""The `example/recency` reranker."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Annotated, Any

from annotated_types import Ge, Gt, Le

from ragbraid.hits import rescored
from ragbraid.types import Hit

_DAY = 24 * 3600


@dataclass(frozen=True, slots=True)
class Recency:
    """Moves newer documents up: a document counts half as much for each half-life that it is older.

    A hit's score is `weight` · 2^(−age / `half_life_days`) + (1 − `weight`) · relevance, both in [0, 1]. Age
    is counted from the newest of the hits, not from today, so that a question has the same answer tomorrow.
    Relevance is the score of the stage before, spread so that the best hit has 1 and the last one 0. The date
    is read from the metadata `field`, a date or text in ISO 8601; a hit without one counts as endlessly old.
    """

    field: str = "date"
    half_life_days: Annotated[float, Gt(0)] = 180.0
    weight: Annotated[float, Ge(0), Le(1)] = 0.3

    def __call__(self, question: str, hits: list[Hit], k: int) -> list[Hit]:
        """All hits in their new order, each with its score under `recency`."""
        del question, k
        times = [_seconds(hit.metadata.get(self.field)) for hit in hits]
        newest = max((each for each in times if each is not None), default=0.0)
        scores = [
            self.weight * self._freshness(time, newest) + (1 - self.weight) * relevance
            for time, relevance in zip(times, _spread([hit.score for hit in hits]), strict=True)
        ]
        return sorted(rescored(hits, "recency", scores), key=lambda hit: -hit.score)

    def _freshness(self, time: float | None, newest: float) -> float:
        return 0.0 if time is None else 2 ** ((time - newest) / _DAY / self.half_life_days)


def _seconds(value: Any) -> float | None:
    """The instant of a date, or None for what is none; without a zone it counts as UTC."""
    if isinstance(value, date) and not isinstance(value, datetime):
        value = value.isoformat()
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            return None
    if not isinstance(value, datetime):
        return None
    return (value if value.tzinfo else value.replace(tzinfo=UTC)).timestamp()


def _spread(scores: Sequence[float]) -> list[float]:
    low, high = min(scores, default=0.0), max(scores, default=0.0)
    return [1.0 if low == high else (score - low) / (high - low) for score in scores]
