"""What an evaluation found: each measure with its interval, and every question's own scores."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

from ragbraid.errors import InputError
from ragbraid.evaluate.questions import QuestionSet
from ragbraid.evaluate.scoring import Outcome
from ragbraid.evaluate.statistics import auroc, interval

SCHEMA = 1

MEANS = (
    "ndcg@10", "recall@10", "mrr@10", "contains", "exact_match", "f1", "answered", "refused", "words",
    "citation_precision", "citation_recall", "verified", "tokens",
)  # fmt: skip
"""Measures of single questions, in the order in which they are told; each is the mean of those it is of."""

BETTER_HIGH = frozenset(MEANS) - {"words", "tokens"}
"""Measures whose fall is a regression."""


@dataclass(frozen=True, slots=True)
class Measure:
    """A figure over `count` questions, with its 95% bootstrap interval where there is one."""

    value: float
    count: int
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What came of a question set, of this pipeline at this time.

    `rows` has each question's id and text, its scores, and what came of it. Equal `questions` digests mean
    that two evaluations can be compared.
    """

    pipeline: str
    name: str
    questions: str
    made_at: datetime
    measures: Mapping[str, Measure]
    rows: Sequence[Mapping[str, Any]]
    settings: Mapping[str, Any]

    def scores(self, measure: str) -> dict[str, float]:
        """The measure of each question that has it, by the question's id."""
        return {row["id"]: row["scores"][measure] for row in self.rows if measure in row["scores"]}

    def to_json(self) -> dict[str, Any]:
        """The evaluation as a file holds it, and as `against` takes it."""
        return {
            "schema": SCHEMA,
            "pipeline": self.pipeline,
            "name": self.name,
            "questions": self.questions,
            "made_at": {"$date": self.made_at.isoformat()},
            "settings": dict(self.settings),
            "measures": {name: _measure(each) for name, each in self.measures.items()},
            "rows": [dict(each) for each in self.rows],
        }

    def save(self, path: Path) -> None:
        """Write it as JSON, in one move."""
        from ragbraid.replacing import replacing

        with replacing(path) as beside:
            text = json.dumps(self.to_json(), ensure_ascii=False, indent=1)
            beside.write_text(text + "\n", encoding="utf-8")


def evaluation(
    pipeline: str, questions: QuestionSet, found: Sequence[Outcome], settings: Mapping[str, Any]
) -> Evaluation:
    """Sum up what came of all questions."""
    now = datetime.now(UTC).replace(microsecond=0)
    rows = [_row(each) for each in found]
    return Evaluation(pipeline, questions.name, questions.digest, now, _measures(found), rows, settings)


def load_evaluation(path: Path) -> Evaluation:
    """Read what `Evaluation.save` wrote. Raises `InputError` for another file."""
    try:
        held = json.loads(path.read_text(encoding="utf-8"))
        if held["schema"] != SCHEMA:
            raise InputError(
                f"{path} is of another version of ragbraid (schema {held['schema']}, not {SCHEMA}).",
                "Make it anew with `ragbraid eval … --out`.",
            )
        made_at = datetime.fromisoformat(held["made_at"]["$date"])
        measures = {name: Measure(**each) for name, each in held["measures"].items()}
        for row in held["rows"]:
            if not isinstance(row["id"], str) or not all(
                isinstance(v, int | float) for v in row["scores"].values()
            ):
                raise TypeError
        return Evaluation(
            held["pipeline"], held["name"], held["questions"], made_at, measures, held["rows"],
            held["settings"],
        )  # fmt: skip
    except OSError as error:
        raise InputError(
            f"{path} can't be read: {(error.strerror or str(error)).lower()}.",
            "Make one with `ragbraid eval QUESTIONS --out FILE`.",
        ) from error
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise InputError(
            f"{path} isn't an evaluation.", "Make one with `ragbraid eval QUESTIONS --out FILE`."
        ) from error


def _measures(found: Sequence[Outcome]) -> dict[str, Measure]:
    measures = {}
    for name in MEANS:
        values = [each.scores[name] for each in found if name in each.scores]
        if values:
            low, high = interval(values)
            measures[name] = Measure(sum(values) / len(values), len(values), low, high)
    measures |= _abstention(found)
    seconds = sorted(each.scores["seconds"] for each in found if "seconds" in each.scores)
    if seconds:
        measures["seconds_p50"] = Measure(median(seconds), len(seconds))
        measures["seconds_p95"] = Measure(seconds[math.ceil(0.95 * len(seconds)) - 1], len(seconds))
    failed = sum(bool(each.error) for each in found)
    measures["failed"] = Measure(float(failed), len(found))
    return measures


def _abstention(found: Sequence[Outcome]) -> dict[str, Measure]:
    """How well the confidence tells questions that have an answer from those that have none."""
    sure = {True: [], False: []}  # type: dict[bool, list[float]]
    for each in found:
        if each.question.answers is not None and "confidence" in each.scores:
            sure[bool(each.question.answers)].append(each.scores["confidence"])
    if not sure[True] or not sure[False]:
        return {}
    return {"abstention_auroc": Measure(auroc(sure[True], sure[False]), len(sure[True]) + len(sure[False]))}


def _row(each: Outcome) -> dict[str, Any]:
    from ragbraid.serial import to_json

    return {
        "id": each.question.id, "question": each.question.text, "scores": dict(each.scores),
        "text": each.text, "short": each.short, "abstained": each.abstained,
        "citations": to_json(each.citations), "found": list(each.found),
        "answers": None if each.question.answers is None else list(each.question.answers),
        "sources": dict(each.question.sources),
        "error": each.error,
    }  # fmt: skip


def _measure(each: Measure) -> dict[str, Any]:
    return {"value": each.value, "count": each.count, "low": each.low, "high": each.high}
