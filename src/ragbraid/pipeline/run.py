"""Runs a plan: the scheduler says what comes next, and two drivers do it, for threads and for asyncio."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Coroutine, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, wait
from time import perf_counter
from typing import Any

from ragbraid.context import Context
from ragbraid.errors import FOREIGN, RagbraidError, Stopped
from ragbraid.pipeline.engine import Engine
from ragbraid.pipeline.handles import Run
from ragbraid.pipeline.operations import Call, Cut, Plan, Stages, first
from ragbraid.pipeline.perform import Task
from ragbraid.pipeline.schedule import Attempt, schedule
from ragbraid.pipeline.state import State
from ragbraid.pipeline.targets import method_of
from ragbraid.pipeline.workers import Workers
from ragbraid.unstoppable import PATIENCE, ended

_GRACE = 0.05
"""Seconds that coroutines get to end in when their run is over."""


class Runner:
    """A plan with its tasks, ready to be driven any number of times, from any number of threads."""

    def __init__(self, plan: Plan, engine: Engine, workers: Workers) -> None:
        self.plan = plan
        self._workers = workers
        self.tasks: dict[Call, Task] = {call: Task(call, engine) for call in plan.calls()}
        self._straight = self._short_way()
        self.asynchronous = any(
            method_of(task.call.signature.runtime, "acall") for task in self.tasks.values()
        )

    def alone(self, request: Mapping[str, Any], run: Run) -> Any:
        """The output for one question, by the short way where the plan has one. Raises its error."""
        if self._straight is None:
            state = self.state([request])
            self.drive(self.plan.stages, state, run)
            value = state.result(self.plan.output, 0)
            if isinstance(value, RagbraidError):
                raise value
            return value
        values = list(self.plan.initial)
        for name, given in request.items():
            values[self.plan.inputs[name]] = given
        for operation in self._straight:
            if isinstance(operation, Cut):
                hits, k = values[operation.hits], values[operation.k]
                values[operation.output] = hits[:k] if type(hits) is list else first(hits, k)
            else:
                if run.cancellation.may_stop:
                    run.cancellation.check()
                run.step = operation.call.step
                operation.perform_alone(values, run)
        return values[self.plan.output]

    def state(self, requests: Sequence[Mapping[str, Any]]) -> State:
        """Fresh slots for these questions."""
        return State(self.plan, requests)

    def drive(self, stages: Stages, state: State, run: Run, *, but: Collection[Call] = ()) -> None:
        """Run stages of the plan but the calls in `but`, in this thread and the workers'."""
        for turn in schedule(stages, state, run):
            if isinstance(turn, Attempt):
                self.attempt(turn)
                continue
            stage, view, within = turn
            calls = tuple(each for each in stage.calls if each not in but) if but else stage.calls
            if stage.threads and len(calls) > 1:
                self._side_by_side(calls, view, within)
            else:
                for call in calls:
                    run.step = call.step
                    self.tasks[call].perform(view, within)

    def attempt(self, attempt: Attempt) -> None:
        """Run an attempt in a worker's thread, and go on without it when its time is up.

        Where the workers are all busy it is run here: then it ends when its steps look at their deadline.
        """
        run = attempt.run
        part = run.part(attempt.seconds)
        future = self._workers.submit(part, "", self.drive, attempt.stages, attempt.state, part)
        try:
            wait([future], timeout=PATIENCE)
            if future.cancel():
                self.drive(attempt.stages, attempt.state, part)
            elif ended(future, run.cancellation, part.cancellation):
                future.result()
            else:
                return
            attempt.done = True
        except Stopped:
            run.cancellation.check()  # else it is the attempt alone that was stopped
        finally:
            part.cancellation.cancel()
            run.take(part)

    def _short_way(self) -> tuple[Task | Cut, ...] | None:
        """The operations one after the other, where nothing branches, loops or runs side by side."""
        operations: list[Task | Cut] = []
        for stage in self.plan.stages:
            if stage.threads or not all(isinstance(each, Cut) for each in stage.others):
                return None
            operations += [self.tasks[each] for each in stage.calls]
            operations += [each for each in stage.others if isinstance(each, Cut)]
        return tuple(operations)

    def _side_by_side(self, calls: Sequence[Call], state: State, run: Run) -> None:
        # Each call notes failures apart, so that none sees another's half-way; this thread takes the last
        # one that is worth a thread, and all that aren't.
        jobs = [(self.tasks[each], state.apart()) for each in calls]
        *others, last = (job for job in jobs if job[0].blocking)
        try:
            futures = {
                self._workers.submit(run, task.call.step, task.perform, part, run): (task, part)
                for task, part in others
            }
            for task, part in (*(job for job in jobs if not job[0].blocking), last):
                self._here(task, part, run)
            # What no worker has begun is done here: runs that fill the pool would wait for each other.
            for task, part in (job for future, job in futures.items() if future.cancel()):
                self._here(task, part, run)
            done, _ = wait([each for each in futures if not each.cancelled()], return_when=FIRST_EXCEPTION)
            for each in done:
                each.result()
        except BaseException:
            run.cancellation.cancel()
            raise
        state.join(part for _, part in jobs)

    def _here(self, task: Task, part: State, run: Run) -> None:
        run.step = task.call.step
        task.perform(part, run)

    async def adrive(self, state: State, run: Run) -> None:
        """Run all of the plan under asyncio: `acall` is awaited, what has none runs in the workers."""
        if not self.asynchronous:
            await self._aside(run, "", self.drive, self.plan.stages, state, run)
            return
        for turn in schedule(self.plan.stages, state, run):
            if isinstance(turn, Attempt):
                await self._aside(run, "", self.attempt, turn)
                continue
            stage, view, within = turn
            parts = [view.apart() for _ in stage.calls]
            await self._together(
                [
                    self._aperform(self.tasks[call], part, within)
                    for call, part in zip(stage.calls, parts, strict=True)
                ],
                within,
            )
            view.join(parts)

    async def _together(self, pending: Sequence[Coroutine[Any, Any, None]], run: Run) -> None:
        tasks = [asyncio.ensure_future(each) for each in pending]
        try:
            await asyncio.gather(*tasks)
        except BaseException:
            run.cancellation.cancel()
            for each in tasks:
                each.cancel()
            await asyncio.wait(tasks, timeout=_GRACE)
            raise

    async def _aperform(self, task: Task, state: State, run: Run) -> None:
        # A lock for threads can't be held while the loop goes on with something else.
        if task.lock is not None or method_of(task.call.signature.runtime, "acall") is None:
            await self._aside(run, task.call.step, task.perform, state, run)
            return
        began = perf_counter()
        context = Context(run.cancellation, task.call.step, run.scope) if task.context is not None else None
        try:
            if not task.target.opened.is_open:  # what it loads must not hold up the loop
                await self._aside(run, task.call.step, lambda: task.target.opened.runtime)
            call = task.target.bind(run).acall
        except FOREIGN as error:
            task.fail(state, list(state.alive), error)
            return
        for indexes in task.groups(state):
            try:
                task.store(state, indexes, await call(*task.arguments(state, indexes, context)))
            except Stopped:
                raise
            except FOREIGN as error:
                task.fail(state, indexes, error)
        run.finished(task.call, began, context, state)

    async def _aside(self, run: Run, step: str, function: Any, *arguments: Any) -> None:
        await asyncio.wrap_future(self._workers.submit(run, step, function, *arguments))
