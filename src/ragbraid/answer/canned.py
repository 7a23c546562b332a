"""Answers that stand in the pipeline's file: no document was read for them, and they cite none."""

from __future__ import annotations

from dataclasses import dataclass

from ragbraid.types import Answer


@dataclass(frozen=True, slots=True)
class Reply:
    """Answers with this `text`, whatever was asked: for greetings, thanks and what never changes.

    It takes no time, and cites nothing.
    """

    text: str

    def __post_init__(self) -> None:
        _demand_words(self.text)

    def __call__(self) -> Answer:
        """The reply, of which the pipeline is sure."""
        return Answer(self.text, confidence=1.0)


@dataclass(frozen=True, slots=True)
class Refuse:
    """Refuses to answer, with this `text`: for what the pipeline isn't there for, or must not say."""

    text: str = "I can't help with that here."

    def __post_init__(self) -> None:
        _demand_words(self.text)

    def __call__(self) -> Answer:
        """The refusal, as an answer that abstains."""
        return Answer(self.text, abstained=True)


def _demand_words(text: str) -> None:
    if not text.strip():
        raise ValueError("text says nothing")
