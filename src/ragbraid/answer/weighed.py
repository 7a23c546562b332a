"""What an answer step weighed, for whoever asks why it answered so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

FEATURES = ("maxsim", "cosine", "overlap", "share", "context", "type", "rank")
"""What a sentence is weighed by; `answer.features` says what each is."""


@dataclass(frozen=True, slots=True)
class Weighed:
    """A candidate for a quote: its place in the stored document, its features, and what they came to.

    `score` is the chance that it holds the answer, among the candidates.
    """

    source: str
    start: int
    end: int
    text: str
    features: Mapping[str, float]
    score: float
    chosen: bool
