"""Many settings of one pipeline on the same questions, in one go."""

from __future__ import annotations

import hashlib
import json
import os
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from ragbraid.errors import InputError
from ragbraid.evaluate.asking import OnAsked, asked_of, flow_for, inputs_for
from ragbraid.evaluate.grid import Grid
from ragbraid.evaluate.journal import Row, kept, rows_of
from ragbraid.evaluate.questions import Question, QuestionSet
from ragbraid.evaluate.result import evaluation
from ragbraid.evaluate.scoring import Outcome, Texts, scored, stored_texts
from ragbraid.evaluate.sweep_result import Point, Sweep, demand_rankable
from ragbraid.pipeline.pipeline import Pipeline
from ragbraid.pipeline.sharing import Memo, SharedFlow, Tally
from ragbraid.types import Filter

MOST_JOBS = 4
"""Questions side by side where nobody says how many: a step may use several cores by itself."""

Load = Callable[[Mapping[str, Any]], Pipeline]
"""Loads the pipeline with these settings."""


def sweep(
    load: Load,
    grid: Grid,
    questions: QuestionSet,
    *,
    by: str | None = None,
    filter: Filter | None = None,  # noqa: A002 - the field's usual name
    collection: str | None = None,
    out: Path | None = None,
    jobs: int | None = None,
    on_asked: OnAsked | None = None,
) -> Sweep:
    """Ask all questions of the pipeline as it is and at each point of the grid.

    A step that has the same configuration and the same inputs at several points is run once for each
    question. `by` is the measure that points are ranked by, by default the first one in `RANKED_BY`. `out` is
    the file that keeps what is known so far; where it is there, the sweep goes on. Raises `InputError` for a
    key that changes nothing that a question meets and for a file of another sweep, and what concerns every
    question, such as an index that isn't there.
    """
    demand_rankable(by)
    with ExitStack() as opened:
        pipelines = [opened.enter_context(load({**grid.fixed, **each})) for each in ({}, *grid.points())]
        flow = flow_for(pipelines[0], questions)
        as_it_is, *tried = [
            _Candidate(settings, each, each.sharing(flow, filter=filter, collection=collection))
            for settings, each in zip(({}, *grid.points()), pipelines, strict=True)
        ]
        _demand_effect(grid, tried)
        base = next((at for at, each in enumerate(tried) if each.flow.recipe == as_it_is.flow.recipe), None)
        candidates = tried if base is not None else [as_it_is, *tried]
        asking = _Asking(candidates, flow, collection)
        head = {"questions": questions.digest, "options": [_plain(filter), collection], **asking.head}
        rows = {} if out is None else {each.id: each for each in rows_of(out, head)}
        left = [each for each in questions.questions if each.id not in rows]
        texts = {each.id: each.text for each in left}
        with kept(out, head) as keep:
            for row in _side_by_side(asking.row, left, jobs or min(os.cpu_count() or 1, MOST_JOBS)):
                keep(row)
                rows[row.id] = row
                if on_asked is not None:
                    on_asked(texts[row.id], len(rows), len(questions.questions))
    ordered = [(each, rows[each.id]) for each in questions.questions]
    tally = Tally()
    for _, row in ordered:
        tally.add(row.tally)
    points = [
        Point(
            each.settings,
            evaluation(as_it_is.pipeline.name, questions, _outcomes(ordered, at), each.settings),
        )
        for at, each in enumerate(candidates)
    ]
    return Sweep.of(points, base or 0, tally, len(questions.questions) - len(left), by)


@dataclass(frozen=True)
class _Candidate:
    """A point of the grid, before it is measured."""

    settings: Mapping[str, Any]
    pipeline: Pipeline
    flow: SharedFlow

    @cached_property
    def place(self) -> str:
        """Equal where two candidates have the same index."""
        own = {name: each for name, each in self.settings.items() if name.startswith("components.")}
        return json.dumps(own, sort_keys=True, default=str)


class _Asking:
    """Asks a question at every point. Raises `IndexMissing` where a point has no index."""

    def __init__(self, candidates: Sequence[_Candidate], flow: str, collection: str | None) -> None:
        self._flow = flow
        self._candidates = candidates
        self._texts: dict[str, Texts] = {}
        stored = {}
        for each in candidates:
            if each.place not in self._texts:
                each.pipeline.demand_stored(collection=collection)
                self._texts[each.place] = stored_texts(each.pipeline, collection)
                stored[each.place] = _state(each.pipeline, collection)
        self.head = {
            "points": _plain([each.settings for each in candidates]),
            "recipes": [each.flow.recipe for each in candidates],
            "stored": stored,
        }

    def row(self, question: Question) -> Row:
        """What comes of a question."""
        memo = Memo(inputs_for(self._flow, question))
        found: list[Outcome] = []
        for each in self._candidates:
            # How long it took depends on what was there already, and says nothing of the point.
            asked = replace(asked_of(question, partial(each.flow.run, memo)), seconds=None)
            found += scored([asked], self._texts[each.place])
        scores = [dict(each.scores) for each in found]
        return Row(question.id, scores, [each.error for each in found], memo.tally)


def _plain(value: Any) -> Any:
    """As it is once it was written and read."""
    return json.loads(json.dumps(value, default=str))


def _state(pipeline: Pipeline, collection: str | None) -> str:
    """A digest of what the index holds."""
    rows = [
        (each.source, each.chunks, each.size, str(each.stored_at))
        for each in pipeline.sources(collection=collection)
    ]
    return hashlib.sha256(json.dumps(rows).encode()).hexdigest()


def _side_by_side(row: Callable[[Question], Row], questions: Sequence[Question], jobs: int) -> Iterator[Row]:
    """Each question's row as it comes."""
    pool = ThreadPoolExecutor(jobs)
    try:
        for each in as_completed([pool.submit(row, question) for question in questions]):
            yield each.result()
    finally:
        pool.shutdown(cancel_futures=True)


def _outcomes(rows: Sequence[tuple[Question, Row]], at: int) -> list[Outcome]:
    return [Outcome(question, row.scores[at], error=row.errors[at]) for question, row in rows]


def _demand_effect(grid: Grid, points: Sequence[_Candidate]) -> None:
    """Raise `InputError` where a key makes no difference to what a question goes through."""
    for key in grid.swept:
        recipes = defaultdict(set)
        for each in points:
            rest = {name: value for name, value in each.settings.items() if name != key}
            recipes[json.dumps(rest, sort_keys=True, default=str)].add(each.flow.recipe)
        if all(len(each) == 1 for each in recipes.values()):
            hint = (
                "Ingest each into an index of its own, and sweep components.index.path."
                if key.startswith("ingest.")
                else "Sweep a setting of a step that the questions go through."
            )
            raise InputError(f"Values of {key} make no difference to any answer.", hint)
