"""What both retrievers share: one search for the questions that can be asked, an error for the others."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ragbraid.errors import InputError
from ragbraid.text.question import check_question
from ragbraid.types import Batch, Hit


def each_valid(
    questions: Sequence[str], search: Callable[[list[str], int], list[list[Hit]]], k: int
) -> Batch[list[Hit]]:
    """Search for k hits of all valid questions at once; an invalid one's element is its `InputError`."""
    valid: list[str] = []
    problems: dict[int, InputError] = {}
    for position, question in enumerate(questions):
        try:
            check_question(question)
            valid.append(question)
        except InputError as error:
            problems[position] = error
    found = search(valid, k) if valid else []
    if not problems:
        return Batch(found)
    rest = iter(found)
    # An error among the values is how a Batch says that this one question failed.
    return Batch(problems.get(position) or next(rest) for position in range(len(questions)))  # type: ignore[misc]
