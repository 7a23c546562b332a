"""What both retrievers share: one search for the questions that can be asked, an error for the others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ragbraid.errors import InputError
from ragbraid.hits import rescored
from ragbraid.text.question import check_question
from ragbraid.types import Batch, Hit


def each_valid(questions: Sequence[str], search: Callable[[list[str]], list[list[Hit]]]) -> Batch[list[Hit]]:
    """Search for all valid questions at once; an invalid one's element is its `InputError`."""
    results: list[Any] = [_problem(question) for question in questions]
    valid = [position for position, problem in enumerate(results) if problem is None]
    if valid:
        found = search([questions[position] for position in valid])
        for position, hits in zip(valid, found, strict=True):
            results[position] = hits
    return Batch(results)


def stamped(hits: Sequence[Hit], stage: str) -> list[Hit]:
    """The hits with their score written down under the stage's name."""
    return [rescored(hit, stage, hit.score) for hit in hits]


def _problem(question: str) -> InputError | None:
    try:
        check_question(question)
    except InputError as error:
        return error
    return None
