"""The contract of an answerer: a question and hits in, an `Answer` out."""

from __future__ import annotations

from typing import Protocol

from ragbraid.types import Answer, Hit


class Answerer(Protocol):
    """Answers from the hits alone. Every citation is a span of a stored document."""

    def __call__(self, question: str, hits: list[Hit]) -> Answer: ...
