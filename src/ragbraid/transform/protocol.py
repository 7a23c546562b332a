"""The contract of a query transform: what is asked, in other words, before anything is searched for."""

from __future__ import annotations

from typing import Protocol


class Transform(Protocol):
    """Turns a question into what shall be searched for: one text, or several.

    What it gives is never empty, and each text passes `check_question`; where there is nothing to change it
    gives the question as it is.
    """

    def __call__(self, question: str) -> str | list[str]: ...
