"""Weights and threshold of `quote`, fitted to one's own questions, and how much better they are."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ragbraid.answer.candidates import length
from ragbraid.answer.quote import Quote
from ragbraid.answer.select import WEIGHTS, choose, probabilities
from ragbraid.errors import InputError, MissingDependency
from ragbraid.evaluate.asking import OnAsked
from ragbraid.evaluate.matching import contains
from ragbraid.evaluate.questions import Question, QuestionSet
from ragbraid.pipeline.pipeline import Pipeline

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

FEWEST = 20
"""Answerable questions with a candidate that holds the answer, below which nothing is fitted."""
LOST = 0.05
"""Share of answerable questions that a threshold may refuse."""
_FOLDS = 5
_PRICE_OF_CHANGE = 5.0
"""What doubling a weight, or taking it away, costs in log-likelihood: few questions shall change little."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A question with its candidates: their features, words, and whether each holds an answer."""

    question: Question
    rows: Sequence[Mapping[str, float]]
    words: Sequence[int]
    right: Sequence[bool]
    confidence: float


@dataclass(frozen=True, slots=True)
class Tuning:
    """What was found. `before` and `after` are shares of answers that hold the right thing, with their mean
    words, on questions that weren't fitted on; `refused` and `lost` are at the threshold."""

    weights: Mapping[str, float]
    threshold: float | None
    questions: int
    before: tuple[float, float]
    after: tuple[float, float]
    refused: float | None
    lost: float | None

    def to_json(self) -> dict[str, Any]:
        """As `ragbraid tune answers --json` prints it; `settings` are those of a `quote` step."""
        settings = {"weights": dict(self.weights)}
        return {
            "settings": settings if self.threshold is None else {**settings, "threshold": self.threshold},
            "questions": self.questions,
            "before": {"contains": self.before[0], "words": self.before[1]},
            "after": {"contains": self.after[0], "words": self.after[1]},
            "refused": self.refused,
            "lost": self.lost,
        }


def tune(
    pipeline: Pipeline,
    questions: QuestionSet,
    *,
    collection: str | None = None,
    lost: float = LOST,
    on_asked: OnAsked | None = None,
) -> Tuning:
    """Fit the weights of the pipeline's `quote` step to questions with known answers.

    The weights are a conditional logit's: the chance of a sentence that holds an answer, among the sentences
    of its question, is made as large as can be, with a penalty on how far they are from those that ragbraid
    brings. What they are worth is found
    by cross-validation, questions on the same documents in the same fold. The threshold refuses at most
    `lost` of the answerable questions; without unanswerable ones there is none. Source: McFadden, in Zarembka
    (ed.), Frontiers in Econometrics, 1974. Raises `InputError` where there are too few questions, and for a
    pipeline that doesn't answer by quotes.
    """
    step = _quote(pipeline)
    asked = [
        _asked(pipeline, each, collection, at, len(questions.questions), on_asked)
        for at, each in enumerate(questions.questions, start=1)
        if each.answers is not None
    ]
    fitted = [each for each in asked if any(each.right) and not all(each.right)]
    if len(fitted) < FEWEST:
        raise InputError(
            f"{len(fitted)} of the questions have an answer among the candidates, and {FEWEST} are wanted.",
            "Label more questions, with answers as they stand in the documents.",
        )
    answerable = [each for each in asked if each.question.answers]
    after = _cross_validated(answerable, step)
    before = _measured(answerable, step, lambda _: step.weights)
    threshold, refused, gone = _threshold(asked, lost)
    return Tuning(_fit(fitted), threshold, len(asked), before, after, refused, gone)


def _quote(pipeline: Pipeline) -> Quote:
    found = [each for each in pipeline.steps("ask") if isinstance(each, Quote)]
    if len(found) != 1:
        raise InputError(
            f"The pipeline's `ask` has {len(found) or 'no'} steps of type `quote`.", "One is tuned at a time."
        )
    return found[0]


def _asked(
    pipeline: Pipeline,
    question: Question,
    collection: str | None,
    done: int,
    total: int,
    told: OnAsked | None,
) -> Asked:
    recording = pipeline.record(question.text, collection=collection)
    if recording.answer is None:
        why = recording.error.message if recording.error else ""
        raise InputError(f"The question {question.text!r} failed: {why}", "Mend that first.")
    if told is not None:
        told(question.text, done, total)
    found = recording.candidates
    return Asked(
        question,
        [each.features for each in found],
        [length(each.text) for each in found],
        [contains(each.text, question.answers or ()) for each in found],
        recording.answer.confidence,
    )


def _fit(asked: Sequence[Asked]) -> dict[str, float]:
    """The weights that make the right sentences likeliest. Raises `MissingDependency` without scipy."""
    try:
        import numpy as np
        from scipy.optimize import minimize
    except ImportError as error:
        raise MissingDependency(
            "Weights are fitted with scipy, which isn't installed.", "Run `pip install 'ragbraid[eval]'`."
        ) from error
    usual = WEIGHTS["with embedder" if "maxsim" in asked[0].rows[0] else "without"]
    names = list(usual)
    centre = np.array([usual[name] for name in names])
    tables = [np.array([[row[name] for name in names] for row in each.rows]) for each in asked]
    rights = [np.array(each.right) for each in asked]

    def loss(weights: Floats) -> tuple[float, Floats]:
        apart = weights / centre - 1
        total, slope = _PRICE_OF_CHANGE * float(apart @ apart), 2 * _PRICE_OF_CHANGE * apart / centre
        for table, right in zip(tables, rights, strict=True):
            scores = table @ weights
            shares = np.exp(scores - scores.max())
            likely = shares / shares.sum()
            held = likely[right].sum()
            total -= float(np.log(held))
            slope = slope - (likely * right / held - likely) @ table
        return total, slope

    found = minimize(loss, centre, jac=True, method="L-BFGS-B")
    return {name: round(float(each), 2) for name, each in zip(names, found.x, strict=True)}


def _cross_validated(asked: Sequence[Asked], step: Quote) -> tuple[float, float]:
    folds = _folds(asked)
    weights = {}
    for fold in set(folds):
        rest = [
            each
            for each, own in zip(asked, folds, strict=True)
            if own != fold and any(each.right) and not all(each.right)
        ]
        weights[fold] = _fit(rest) if rest else step.weights
    return _measured(asked, step, lambda at: weights[folds[at]])


def _folds(asked: Sequence[Asked]) -> list[int]:
    """A fold for each question; those on the same document, where that is known, in the same."""
    groups: dict[object, int] = {}
    found = []
    for at, each in enumerate(asked):
        of = each.question.passages or tuple(sorted(each.question.sources)) or at
        found.append(groups.setdefault(of, len(groups)) % _FOLDS)
    return found


def _measured(
    asked: Sequence[Asked], step: Quote, weights: Callable[[int], Mapping[str, float] | None]
) -> tuple[float, float]:
    """The share of questions whose quotes hold an answer, and the quotes' mean words."""
    right, words = 0, 0
    for at, each in enumerate(asked):
        likely = probabilities(each.rows, weights(at))
        chosen = choose(each.words, likely, step.price, step.max_sentences)
        right += any(each.right[one] for one in chosen)
        words += sum(each.words[one] for one in chosen)
    return right / len(asked), words / len(asked)


def _threshold(asked: Sequence[Asked], lost: float) -> tuple[float | None, float | None, float | None]:
    """The highest threshold that loses no more than that share, what it refuses, and what it loses."""
    sure = sorted(each.confidence for each in asked if each.question.answers)
    unsure = [each.confidence for each in asked if not each.question.answers]
    if not sure or not unsure:
        return None, None, None
    # At most so many of the answerable ones may be below it.
    threshold = round(sure[int(lost * len(sure))], 4)
    while threshold > 0 and sum(each < threshold for each in sure) > lost * len(sure):
        threshold = round(threshold - 0.0001, 4)
    gone = sum(each < threshold for each in sure) / len(sure)
    return threshold, sum(each < threshold for each in unsure) / len(unsure), gone
