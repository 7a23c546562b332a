"""The contract of an answerer: a question and hits in, an `Answer` out."""

from __future__ import annotations

from typing import Literal, Protocol

from ragbraid.types import Answer, Hit

Abstain = Literal["strict", "default", "never"]
"""How readily an answerer says that it doesn't know."""


class Answerer(Protocol):
    """Answers from the hits alone. Every citation is a span of a stored document."""

    def __call__(self, question: str, hits: list[Hit]) -> Answer: ...
