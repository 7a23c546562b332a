"""From a pipeline and a question set to an evaluation."""

from __future__ import annotations

from pathlib import Path

from ragbraid.evaluate.asking import OnAsked, outcomes
from ragbraid.evaluate.questions import QuestionSet, read_questions
from ragbraid.evaluate.result import Evaluation, evaluation
from ragbraid.pipeline.pipeline import Pipeline
from ragbraid.types import Filter


def evaluate(
    pipeline: Pipeline,
    questions: QuestionSet | str | Path,
    *,
    filter: Filter | None = None,  # noqa: A002 - the field's usual name
    collection: str | None = None,
    on_asked: OnAsked | None = None,
) -> Evaluation:
    """Ask all questions, or those that a file holds, and measure what comes.

    Which measures depends on the labels: rankings where documents or passages are judged, answers and
    abstention where answers are known, citations wherever there are some. Raises `InputError` for a question
    set that isn't sound, and whatever concerns every question.
    """
    held = questions if isinstance(questions, QuestionSet) else read_questions(Path(questions))
    found = outcomes(pipeline, held, filter=filter, collection=collection, on_asked=on_asked)
    settings = {"filter": filter, "collection": collection}
    return evaluation(pipeline.name, held, found, settings)
