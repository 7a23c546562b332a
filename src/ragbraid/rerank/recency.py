"""Newer documents before older ones that are as good."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Annotated, Any, ClassVar

from annotated_types import Ge, Gt

from ragbraid.hits import ranked
from ragbraid.rerank.fusion import standardised
from ragbraid.types import Hit

_DAY = 86400.0


@dataclass(frozen=True, slots=True)
class Recency:
    """Ranks hits by their score and by the date in their metadata's `field`.

    To a score's z-score among the first `max(k, candidates)` hits comes `weight` times a share that is 1 for
    a document of today and halves each `half_life` days (exponential decay; Li & Croft, Time-Based Language
    Models, CIKM 2003). A date is one, an ISO text, or a year; what has none counts as infinitely old, what is
    to come as of today. `today` is an ISO date that stands for the clock, for results that can be repeated.
    Later hits are dropped; ties by id.
    """

    field: str = "date"
    half_life: Annotated[float, Gt(0)] = 365.0
    weight: Annotated[float, Ge(0)] = 0.5
    candidates: Annotated[int, Ge(1)] = 50
    today: str = ""

    blocking: ClassVar[bool] = False

    def __post_init__(self) -> None:
        if self.today and _instant(self.today) is None:
            raise ValueError("`today` is a date such as 2024-01-31")

    def __call__(self, hits: list[Hit], k: int) -> list[Hit]:
        """The hits in their new order, each with its score under `recency`."""
        pool = hits[: max(k, self.candidates)]
        now = (_instant(self.today) if self.today else None) or datetime.now(UTC)
        fresh = [_share(hit.metadata.get(self.field), now, self.half_life) for hit in pool]
        return ranked(pool, "recency", _joined(pool, fresh, self.weight))


def _joined(pool: Sequence[Hit], extra: Sequence[float], weight: float) -> list[float]:
    scores = standardised([hit.score for hit in pool])
    return [score + weight * more for score, more in zip(scores, extra, strict=True)]


def _share(value: Any, now: datetime, half_life: float) -> float:
    when = _instant(value)
    if when is None:
        return 0.0
    days = max(0.0, (now - when).total_seconds() / _DAY)
    return float(0.5 ** (days / half_life))


def _instant(value: Any) -> datetime | None:
    """The moment of a date, a time, an ISO text or a year; None for anything else."""
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int) or (isinstance(value, str) and value.isdigit() and len(value) == 4):
        year = int(value)
        return datetime(year, 1, 1, tzinfo=UTC) if 1 <= year <= 9999 else None
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            return None
    if isinstance(value, datetime):
        return value if value.tzinfo else value.replace(tzinfo=UTC)
    return datetime(value.year, value.month, value.day, tzinfo=UTC) if isinstance(value, date) else None
