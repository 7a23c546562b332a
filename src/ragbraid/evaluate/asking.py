"""Asks a pipeline every question, and scores what comes."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Any, TypeAlias

from ragbraid.errors import GenerationError, InputError, RagbraidError, StepError
from ragbraid.evaluate.questions import Question, QuestionSet
from ragbraid.evaluate.scoring import Asked, Outcome, scored, stored_texts
from ragbraid.pipeline.pipeline import Pipeline
from ragbraid.types import Answer, Filter, Hit

_OF_ONE = (GenerationError, InputError, StepError)
"""Errors that another question may be spared; all others concern whatever is asked."""

DEPTH = 30
"""Hits that a search is asked for, so that ten documents are among them."""


OnAsked: TypeAlias = Callable[[str, int, int], None]
"""Is told a question, how many are behind, and of how many."""


def outcomes(
    pipeline: Pipeline,
    questions: QuestionSet,
    *,
    filter: Filter | None = None,  # noqa: A002 - the field's usual name
    collection: str | None = None,
    on_asked: OnAsked | None = None,
) -> list[Outcome]:
    """Ask one question after the other, as a person would, and score each answer.

    Where no question says what its answer is, the search flow alone is run, `DEPTH` hits deep. A question
    that fails is told in its outcome. Raises what concerns all of them, such as a model that isn't there.
    """
    flow = flow_for(pipeline, questions)
    pipeline.demand_stored(collection=collection)
    asked = []
    for done, each in enumerate(questions.questions, start=1):
        inputs = inputs_for(flow, each)
        asked.append(
            asked_of(each, partial(pipeline.run, flow, filter=filter, collection=collection, **inputs))
        )
        if on_asked is not None:
            on_asked(each.text, done, len(questions.questions))
    return scored(asked, stored_texts(pipeline, collection))


def flow_for(pipeline: Pipeline, questions: QuestionSet) -> str:
    """The flow that the questions' labels can measure."""
    asks = any(each.answers is not None for each in questions.questions) and "ask" in pipeline.flows
    return "ask" if asks else "search"


def inputs_for(flow: str, question: Question) -> dict[str, Any]:
    """What a flow of `flow_for` is given for a question."""
    return {"question": question.text} if flow == "ask" else {"question": question.text, "k": DEPTH}


def asked_of(question: Question, ask: Callable[[], Answer | list[Hit]]) -> Asked:
    """What asking gave. An error that is of this question alone is kept, all others are raised."""
    began = time.perf_counter()
    try:
        given = ask()
    except RagbraidError as error:
        if not isinstance(error, _OF_ONE):
            raise
        return Asked(question, time.perf_counter() - began, error=str(error))
    seconds = time.perf_counter() - began
    if isinstance(given, Answer):
        return Asked(question, seconds, given, given.hits)
    return Asked(question, seconds, None, given)
