"""Runs a question the general way, and keeps what each step gave."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import nullcontext, suppress
from dataclasses import replace
from hashlib import sha256
from typing import Any

from ragbraid.answer.weighed import Weighed
from ragbraid.context import Cancellation, Context
from ragbraid.errors import RagbraidError
from ragbraid.generate.protocol import Completion, Request
from ragbraid.index.protocol import Index
from ragbraid.pipeline.finish import finish
from ragbraid.pipeline.handles import Run
from ragbraid.pipeline.life import Life
from ragbraid.pipeline.operations import Call, Stages
from ragbraid.pipeline.recording.circumstances import Origin, indexes_in, pipeline_record, versions
from ragbraid.pipeline.recording.file import cleaned
from ragbraid.pipeline.recording.values import Failure, Generation, Recording, Stage, StepRecord
from ragbraid.pipeline.run import Runner
from ragbraid.pipeline.state import State
from ragbraid.pipeline.targets import Target, method_of
from ragbraid.pipeline.typecheck import role_of
from ragbraid.serial import to_json
from ragbraid.types import Answer, Hit, Message, Scope, Span


class RecordedRun(Run):
    """A run that also keeps what generators were asked and gave, by step."""

    __slots__ = ("generations", "on_call")

    def __init__(self, scope: Scope, cancellation: Cancellation) -> None:
        super().__init__(scope, cancellation)
        self.on_call: Callable[[Span, Call, State], None] | None = None
        self.generations: defaultdict[str, list[Generation]] = defaultdict(list)

    def record(
        self,
        step: str,
        began: float,
        context: Context | None,
        asked: Iterable[Any] = (),
        given: Any = None,
    ) -> Span:
        """Write a step into the trace; keep what a generator was asked for in it."""
        for each in asked:
            if isinstance(each, Request):
                self._keep(step, each, given)
            elif isinstance(each, list | tuple):
                requests = [request for request in each if isinstance(request, Request)]
                outcomes = given if isinstance(given, list) and len(given) == len(requests) else []
                for place, request in enumerate(requests):
                    self._keep(step, request, outcomes[place] if outcomes else None)
        return super().record(step, began, context)

    def part(self, seconds: float) -> RecordedRun:
        """A run of a part of this one; what generators are asked in it is kept here."""
        part = super().part(seconds)
        part.generations = self.generations
        return part

    def announce(self, span: Span, call: Call, state: State) -> None:
        """Show what a call gave to whoever watches."""
        if self.on_call is not None:
            self.on_call(span, call, state)

    def _keep(self, step: str, request: Request, outcome: Any) -> None:
        completion = outcome if isinstance(outcome, Completion) else None
        error = str(outcome) if isinstance(outcome, Exception) else ""
        self.generations[step.partition("/")[0]].append(Generation(request, completion, error))


def record(
    life: Life,
    origin: Origin,
    request: Mapping[str, Any],
    asked_for: Mapping[str, Any],
    plain: Run,
    look_up: Collection[str],
) -> Recording:
    """The recording of a question; its error is kept in it, not raised.

    `asked_for` holds the options, `plain` the run that it would be otherwise.
    """
    runner = life.runner("ask")
    run = RecordedRun(plain.scope, plain.cancellation)
    watch = _Watch(runner, run, request)
    answer, failure = None, None
    candidates: tuple[Weighed, ...] = ()
    try:
        answer, candidates = life.in_time(run, watch.drive)
    except RagbraidError as error:
        failure = Failure(watch.failed(), type(error).__name__, error.message, error.hint, error.exit_code)
    trace = answer.trace if answer is not None else tuple(run.spans)
    steps = watch.steps()
    chunks, documents = _stored(life, runner, run.scope, steps, look_up)
    history: list[Message] | None = request.get("history")
    found = Recording(
        question=request["question"],
        filter=asked_for["filter"],
        collection=asked_for["collection"],
        history=None if history is None else tuple(history),
        pipeline=pipeline_record(origin, life.checked, runner.plan),
        versions=versions(),
        chunks=chunks,
        documents=documents,
        steps=steps,
        answer=answer,
        error=failure,
        candidates=candidates,
        trace=trace,
    )
    return cleaned(found, life.checked, origin)


class _Watch:
    """Drives the plan for one question, and looks at each step's slot when it is done."""

    def __init__(self, runner: Runner, run: RecordedRun, request: Mapping[str, Any]) -> None:
        self._runner = runner
        self._run = run
        self._calls = {call.step: call for call in runner.plan.calls()}
        self._beside = dict(_beside(runner.plan.stages))
        self._state = runner.state([request])
        self._done: list[tuple[Span, StepRecord]] = []
        run.on_call = self._step

    def drive(self) -> tuple[Answer | None, tuple[Weighed, ...]]:
        """The answer, and what the answer step weighed for it. Raises the question's error."""
        self._runner.drive(self._runner.plan.stages, self._state, self._run)
        value = self._state.result(self._runner.plan.output, 0)
        if isinstance(value, RagbraidError):
            raise value
        answer = finish(value, self._run)
        return (answer if isinstance(answer, Answer) else None), self._why()

    def steps(self) -> tuple[StepRecord, ...]:
        """The steps so far as they began; those that ran side by side in the order of the plan."""
        places = {step: place for place, step in enumerate(self._calls)}
        groups: list[list[StepRecord]] = []
        for _, step in sorted(self._done, key=lambda each: each[0].start_ms):
            beside = self._beside[step.step]
            if not groups or any(each.step not in beside or each.step == step.step for each in groups[-1]):
                groups.append([])
            groups[-1].append(step)
        return tuple(each for group in groups for each in sorted(group, key=lambda one: places[one.step]))

    def failed(self) -> str:
        """The step that a failed run ended in."""
        empty = [each.step for each in self.steps() if each.hits is None and each.value is None]
        return empty[-1] if empty else self._run.step

    def _step(self, span: Span, call: Call, state: State) -> None:
        """Keep what a call gave; of one for many items, what each of them got."""
        generations = tuple(self._run.generations.pop(span.step, ()))
        values = [state.slots[call.output][index] for index in state.alive] or [None]
        for value in values:
            self._keep(span, StepRecord(span.step, stage_of(call), generations), value)
            generations = ()

    def _keep(self, span: Span, step: StepRecord, value: Any) -> None:
        if isinstance(value, list | tuple) and all(isinstance(each, Hit) for each in value):
            step = replace(step, hits=tuple(value))
        elif isinstance(value, Answer):
            step = replace(step, value=value.text)
        else:
            step = replace(step, value=_plain(value))
        self._done.append((span, step))

    def _why(self) -> tuple[Weighed, ...]:
        call = self._runner.plan.last
        if call is None or method_of(call.signature.runtime, "why") is None:
            return ()
        task = self._runner.tasks[call]
        with task.lock or nullcontext():
            why = task.target.bind(self._run).why
            return tuple(why(*self._state.arguments(call.arguments, 0)))


def _beside(stages: Stages) -> Iterator[tuple[str, set[str]]]:
    """Each step with those of its stage, itself too, which may run in any order."""
    for stage in stages:
        names = {call.step for call in stage.calls}
        yield from ((each, names) for each in names)
        for other in stage.others:
            for inner in other.inner():
                yield from _beside(inner)


def stage_of(call: Call) -> Stage:
    """Which part of a run a step is: what takes hits and gives hits ranks them."""
    role = role_of(call.signature.output)
    if role == "answer":
        return "answer"
    if role != "hits":
        return "other"
    taken = [each.name for each in call.signature.inputs or ()]
    return "ranking" if "hits" in taken else "retrieval"


def _plain(value: Any) -> Any:
    try:
        return to_json(value)
    except (TypeError, ValueError):  # an array, say
        return f"<{type(value).__name__}>"


def _stored(
    life: Life, runner: Runner, scope: Scope, steps: Iterable[StepRecord], look_up: Collection[str]
) -> tuple[int | None, dict[str, str]]:
    """How many chunks are in reach, and each document's content hash; an empty one where it is gone."""
    documents = {hit.source: hit.content_hash for each in steps for hit in each.hits or ()}
    index = next(iter(indexes_in([call.component for call in runner.plan.calls()])), None)
    if index is None:
        return None, documents
    target = Target(life.engine, index, "", Index)
    try:
        handle = target.handle(Run(scope, Cancellation()))
        with suppress(RagbraidError):
            for source in look_up:
                if source not in documents:
                    found = handle.document(source)
                    text = None if found is None else found.text.encode("utf-8", "surrogatepass")
                    documents[source] = "" if text is None else sha256(text).hexdigest()
            return handle.count(), documents
    finally:
        target.release()
    return None, documents
