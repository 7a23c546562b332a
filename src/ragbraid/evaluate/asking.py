"""Asks a pipeline every question, and scores what comes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeAlias

from ragbraid.errors import GenerationError, InputError, RagbraidError, SourceMissing, StepError
from ragbraid.evaluate.matching import contains, exact, f1, fits, names
from ragbraid.evaluate.questions import Question, QuestionSet
from ragbraid.evaluate.ranking import ranking_scores
from ragbraid.pipeline.pipeline import Pipeline
from ragbraid.types import Answer, Citation, Filter, Hit

_OF_ONE = (GenerationError, InputError, StepError)
"""Errors that another question may be spared; all others concern whatever is asked."""

DEPTH = 30
"""Hits that a search is asked for, so that ten documents are among them."""


OnAsked: TypeAlias = Callable[[str, int, int], None]
"""Is told a question, how many are behind, and of how many."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a question. `scores` has the measures that its labels allow, `error` why nothing came."""

    question: Question
    scores: Mapping[str, float]
    text: str = ""
    short: str | None = None
    abstained: bool = False
    citations: tuple[Citation, ...] = ()
    found: tuple[str, ...] = ()
    """The sources of the hits, best first."""
    error: str = ""


@dataclass(frozen=True, slots=True)
class _Asked:
    """A question's answer or hits, before it is scored."""

    question: Question
    seconds: float
    answer: Answer | None = None
    hits: Sequence[Hit] = ()
    error: str = ""


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
    asks = any(each.answers is not None for each in questions.questions) and "ask" in pipeline.flows
    pipeline.demand_stored(collection=collection)
    options: dict[str, Any] = {"filter": filter, "collection": collection}
    asked = []
    for done, each in enumerate(questions.questions, start=1):
        asked.append(_asked(pipeline, each, asks, options))
        if on_asked is not None:
            on_asked(each.text, done, len(questions.questions))
    ranks = ranking_scores([(each.question, each.hits) for each in asked if not each.error])
    stored = _texts(pipeline, collection)
    return [_outcome(each, ranks.get(each.question.id, {}), stored) for each in asked]


def _asked(pipeline: Pipeline, question: Question, asks: bool, options: Mapping[str, Any]) -> _Asked:
    began = time.perf_counter()
    try:
        if asks:
            answer = pipeline.ask(question.text, **options)
            return _Asked(question, time.perf_counter() - began, answer, answer.hits)
        hits = pipeline.search(question.text, DEPTH, **options)
        return _Asked(question, time.perf_counter() - began, None, hits)
    except RagbraidError as error:
        if not isinstance(error, _OF_ONE):
            raise
        return _Asked(question, time.perf_counter() - began, error=str(error))


def _outcome(asked: _Asked, ranks: Mapping[str, float], stored: Callable[[str], str]) -> Outcome:
    question, answer = asked.question, asked.answer
    sources = tuple(dict.fromkeys(each.source for each in asked.hits))
    if answer is None:
        scores = {**ranks, "seconds": asked.seconds}
        if question.answers is not None and asked.error:
            scores |= _missed(question)
        return Outcome(question, scores, found=sources, error=asked.error)
    scores = {
        **ranks,
        **_answer_scores(question, answer),
        **_citation_scores(question, answer, stored),
        "confidence": answer.confidence,
        "seconds": asked.seconds,
        "tokens": float(answer.usage.prompt_tokens + answer.usage.completion_tokens),
    }
    return Outcome(question, scores, answer.text, answer.short, answer.abstained, answer.citations, sources)


def _missed(question: Question) -> dict[str, float]:
    """A question that failed holds no right answer, and refused nothing."""
    return {"contains": 0.0, "exact_match": 0.0, "f1": 0.0} if question.answers else {"refused": 0.0}


def _answer_scores(question: Question, answer: Answer) -> dict[str, float]:
    if question.answers is None:
        return {} if answer.abstained else {"words": float(len(answer.text.split()))}
    if not question.answers:
        return {"refused": float(answer.abstained)}
    if answer.abstained:
        return {"contains": 0.0, "exact_match": 0.0, "f1": 0.0, "answered": 0.0}
    said = answer.text if answer.short is None else answer.short
    return {
        "contains": float(contains(answer.text, question.answers)),
        "exact_match": float(exact(said, question.answers)),
        "f1": f1(said, question.answers),
        "answered": 1.0,
        "words": float(len(answer.text.split())),
    }


def _citation_scores(question: Question, answer: Answer, stored: Callable[[str], str]) -> dict[str, float]:
    cited = answer.citations
    if answer.abstained or not cited:
        return {}
    scores = {
        "verified": sum(stored(each.source)[each.start : each.end] == each.quote for each in cited)
        / len(cited)
    }
    if question.sources or question.passages:
        good = [each for each in cited if fits(each.source, each.quote, question)]
        scores["citation_precision"] = len(good) / len(cited)
        scores["citation_recall"] = _recall(question, good)
    return scores


def _recall(question: Question, good: Iterable[Citation]) -> float:
    """The share of what fits that is cited; with passages alone, whether one of them is."""
    held = list(good)
    wanted = [name for name, grade in question.sources.items() if grade > 0]
    if not wanted:
        return float(bool(held))
    return sum(any(names(name, one.source) for one in held) for name in wanted) / len(wanted)


def _texts(pipeline: Pipeline, collection: str | None) -> Callable[[str], str]:
    @lru_cache(maxsize=64)
    def text(source: str) -> str:
        try:
            return pipeline.document(source, collection=collection).text
        except SourceMissing:
            return ""

    return text
