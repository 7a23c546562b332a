"""Questions that a folder of documents doesn't speak of, to measure refusals by."""

from __future__ import annotations

from pathlib import Path
from random import Random

from ragbraid.evaluate.making import identity
from ragbraid.evaluate.questions import Question
from ragbraid.pipeline.pipeline import Pipeline
from ragbraid.text.terms import terms
from ragbraid.types import Hit

_FIRST = 10
_SHARED = 0.5
"""Share of a question's terms, of those that one of the first hits has, from which on it may be spoken of."""


def off_topic(
    pipeline: Pipeline, count: int, *, seed: int = 0, collection: str | None = None
) -> list[Question]:
    """At most `count` questions of general knowledge whose words stand in no passage together.

    They are English, eighty in all. The same seed and documents give the same ones.
    """
    asked = Path(__file__).with_suffix(".txt").read_text("utf-8").splitlines()
    found: list[Question] = []
    for text in Random(seed).sample(asked, len(asked)):
        if len(found) == count:
            break
        if not _spoken_of(text, pipeline.search(text, _FIRST, collection=collection)):
            found.append(Question(identity(text), text, ()))
    return found


def _spoken_of(question: str, hits: list[Hit]) -> bool:
    wanted = set(terms(question, "en"))
    return any(len(wanted & set(terms(each.text, "en"))) >= _SHARED * len(wanted) for each in hits)
