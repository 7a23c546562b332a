"""The contract of an answerer: a question and hits in, an `Answer` out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Protocol

from ragbraid.context import Context
from ragbraid.types import Answer, Hit

Abstain = Literal["strict", "default", "never"]
"""How readily an answerer says that it doesn't know."""


class Answerer(Protocol):
    """Answers from the hits alone. Every citation is a span of a stored document."""

    def __call__(self, question: str, hits: list[Hit]) -> Answer: ...


class Entailer(Protocol):
    """Tells whether one text follows from another."""

    def entailed(self, pairs: Sequence[tuple[str, str]], *, context: Context | None = None) -> list[float]:
        """For each pair of a premise and a sentence, the probability that the one follows from the other."""
        ...
