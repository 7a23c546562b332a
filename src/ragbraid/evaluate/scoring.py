"""What came of a question beside its labels: the scores of one answer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from ragbraid.errors import SourceMissing
from ragbraid.evaluate.matching import contains, exact, f1, fits, names
from ragbraid.evaluate.questions import Question
from ragbraid.evaluate.ranking import ranking_scores
from ragbraid.pipeline.pipeline import Pipeline
from ragbraid.types import Answer, Citation, Hit

Texts = Callable[[str], str]
"""The stored text of a source; an empty one where it isn't there."""


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
class Asked:
    """A question's answer or hits, before it is scored. `seconds` where they were measured."""

    question: Question
    seconds: float | None = None
    answer: Answer | None = None
    hits: Sequence[Hit] = ()
    error: str = ""


def scored(asked: Sequence[Asked], stored: Texts) -> list[Outcome]:
    """The outcomes of questions, each id once. Raises `MissingDependency` without ir-measures."""
    ranks = ranking_scores([(each.question, each.hits) for each in asked if not each.error])
    return [_outcome(each, ranks.get(each.question.id, {}), stored) for each in asked]


def stored_texts(pipeline: Pipeline, collection: str | None) -> Texts:
    """Looks up what is stored of a source, and keeps the last few."""

    @lru_cache(maxsize=64)
    def text(source: str) -> str:
        try:
            return pipeline.document(source, collection=collection).text
        except SourceMissing:
            return ""

    return text


def _outcome(asked: Asked, ranks: Mapping[str, float], stored: Texts) -> Outcome:
    question, answer = asked.question, asked.answer
    sources = tuple(dict.fromkeys(each.source for each in asked.hits))
    taken = {} if asked.seconds is None else {"seconds": asked.seconds}
    if answer is None:
        scores = {**ranks, **taken}
        if question.answers is not None and asked.error:
            scores |= _missed(question)
        return Outcome(question, scores, found=sources, error=asked.error)
    scores = {
        **ranks,
        **_answer_scores(question, answer),
        **_citation_scores(question, answer, stored),
        "confidence": answer.confidence,
        **taken,
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


def _citation_scores(question: Question, answer: Answer, stored: Texts) -> dict[str, float]:
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
