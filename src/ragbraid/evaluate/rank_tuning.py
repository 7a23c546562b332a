"""Weights of the stages' scores, fitted to questions whose sources are known, for the step `learned`.

Logistic regression with an L2 penalty by Newton's method (Bishop, Pattern Recognition and Machine Learning,
section 4.3.3), judged by cross-validation: each question by weights that were fitted to others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ragbraid.errors import InputError
from ragbraid.evaluate.asking import OnAsked
from ragbraid.evaluate.matching import contains, fits
from ragbraid.evaluate.questions import Question, QuestionSet
from ragbraid.rerank.learned import Learned, stage_scores
from ragbraid.types import Hit

if TYPE_CHECKING:
    from ragbraid import Pipeline

POOL = 50
"""Hits of a question that are ranked."""
FOLDS = 5
LEAST = 20
"""Questions whose right passage is found, below which nothing is fitted."""
_PENALTY = 1.0
_STEPS = 25


@dataclass(frozen=True, slots=True)
class RankTuning:
    """The weights, and the mean reciprocal rank of the first right hit as it is and by cross-validation."""

    weights: Mapping[str, float]
    before: float
    after: float
    questions: int

    def to_json(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "weights": dict(self.weights),
            "mrr_before": self.before,
            "mrr_after": self.after,
            "questions": self.questions,
        }


def tune_ranking(
    pipeline: Pipeline,
    questions: QuestionSet,
    *,
    collection: str | None = None,
    on_asked: OnAsked | None = None,
) -> RankTuning:
    """Fit weights to the search's stages. Raises `InputError` where too few questions find what is right."""
    held: list[tuple[list[Hit], list[bool]]] = []
    for number, each in enumerate(questions.questions, 1):
        hits = pipeline.search(each.text, k=POOL, collection=collection)[:POOL]
        right = [_right(hit, each) for hit in hits]
        if any(right):
            held.append((hits, right))
        if on_asked is not None:
            on_asked(each.text, number, len(questions.questions))
    if len(held) < LEAST:
        raise InputError(
            f"The right passage is found for {len(held)} of the questions, and {LEAST} are needed.",
            "Give more questions that name their sources.",
        )
    stages = sorted({name for hits, _ in held for hit in hits for name in hit.scores})
    before = sum(_reciprocal(hits, right) for hits, right in held) / len(held)
    after = 0.0
    for fold in range(FOLDS):
        weights = _fitted([each for at, each in enumerate(held) if at % FOLDS != fold], stages)
        for hits, right in held[fold::FOLDS]:
            correct = {hit.id for hit, good in zip(hits, right, strict=True) if good}
            order = Learned(weights, POOL)(hits, POOL)
            after += _reciprocal(order, [hit.id in correct for hit in order])
    return RankTuning(_fitted(held, stages), before, after / len(held), len(held))


def _fitted(held: Sequence[tuple[list[Hit], list[bool]]], stages: Sequence[str]) -> dict[str, float]:
    import numpy as np

    rows = [np.array([stage_scores(hits, name) for name in stages]).T for hits, _ in held]
    x = np.concatenate([np.concatenate(rows), np.ones((sum(map(len, rows)), 1))], axis=1)
    y = np.array([good for _, right in held for good in right], float)
    weights = np.zeros(x.shape[1])
    penalty = np.full(x.shape[1], _PENALTY)
    penalty[-1] = 1e-6  # the intercept is no stage's
    for _ in range(_STEPS):
        chance = 1 / (1 + np.exp(-np.clip(x @ weights, -30, 30)))
        slope = x.T @ (chance - y) + penalty * weights
        curve = (x * (chance * (1 - chance))[:, None]).T @ x + np.diag(penalty)
        step = np.linalg.solve(curve, slope)
        weights -= step
        if float(np.abs(step).max()) < 1e-6:
            break
    return {name: round(float(each), 4) for name, each in zip(stages, weights, strict=False)}


def _right(hit: Hit, question: Question) -> bool:
    """Whether a hit is of what speaks of it, or, where nobody said what does, holds an answer."""
    if question.sources or question.passages:
        return fits(hit.source, hit.text, question) > 0
    return contains(hit.text, question.answers or ())


def _reciprocal(hits: Sequence[Hit], right: Sequence[bool]) -> float:
    return next((1 / place for place, good in enumerate(right, 1) if good), 0.0) if hits else 0.0
