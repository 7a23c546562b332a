"""Whether an answer will do, for a loop that looks further until one does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge, Le

from ragbraid.types import Answer


@dataclass(frozen=True, slots=True)
class Enough:
    """Says whether an answer will do: one that doesn't abstain, with at least this `confidence`."""

    confidence: Annotated[float, Ge(0), Le(1)] = 0.5

    def __call__(self, answer: Answer) -> bool:
        """True where it will."""
        return not answer.abstained and answer.confidence >= self.confidence
