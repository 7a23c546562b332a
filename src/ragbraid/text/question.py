"""What counts as a question, in one place for every component that takes one."""

from __future__ import annotations

from ragbraid.errors import InputError

LONGEST = 8000
"""Characters. Embedders read a few hundred words at most; beyond this the caller has pasted a document."""


def check_question(question: object) -> None:
    """Raise `InputError` for what isn't text, says nothing, or is longer than `LONGEST`."""
    if not isinstance(question, str):
        raise InputError(f"A question is text, not {type(question).__name__}.")
    if question.isascii() and question.isprintable() and question.strip(" ") and len(question) <= LONGEST:
        return  # what nearly every question is, told without looking at each character
    if len(question) > LONGEST:
        raise InputError(
            f"The question has {len(question):,} characters; at most {LONGEST:,} are taken.",
            "Ask for one thing, and ingest long texts instead.",
        )
    if not any(character.isprintable() and not character.isspace() for character in question):
        raise InputError("The question is empty.", "Ask something.")
    if not question.isascii() and any("\ud800" <= each <= "\udfff" for each in question):
        raise InputError(
            "The question holds half a surrogate pair, which isn't a character.", "Give it as UTF-8."
        )
