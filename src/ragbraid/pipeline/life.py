"""What a pipeline has open, shared by all who use it: plans with their components, and threads."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import CancelledError, Future
from concurrent.futures import TimeoutError as FutureTimeout
from typing import Any, Literal, TypeVar

from ragbraid.embed.protocol import Embedder
from ragbraid.errors import InputError, RagbraidError, Stopped
from ragbraid.generate.protocol import Generator
from ragbraid.index.protocol import Index
from ragbraid.pipeline.diagnostics import listed, meant
from ragbraid.pipeline.engine import Engine, signature_for
from ragbraid.pipeline.finish import finish
from ragbraid.pipeline.function import setting_of
from ragbraid.pipeline.handles import Run
from ragbraid.pipeline.ingesting import Ingesting
from ragbraid.pipeline.model import CheckedPipeline
from ragbraid.pipeline.plan import plan
from ragbraid.pipeline.run import Runner
from ragbraid.pipeline.targets import Target
from ragbraid.pipeline.typecheck import implements
from ragbraid.pipeline.workers import Workers
from ragbraid.route.protocol import Router

T = TypeVar("T")
Kind = Literal["embedder", "generator", "index", "router"]
"""The kinds of components that can be called outside a flow: those with more than one method."""
PROTOCOLS: Mapping[Kind, type] = {
    "embedder": Embedder,
    "generator": Generator,
    "index": Index,
    "router": Router,
}


class Life:
    """Opens each flow when it is first used, and closes everything at once."""

    def __init__(self, checked: CheckedPipeline, engine: Engine) -> None:
        self.checked = checked
        self.workers = Workers()
        self.engine = engine
        self._runners: dict[str, Runner] = {}
        self._ingesting: Ingesting | None = None
        self._index: Target | None = None
        self._parts: dict[tuple[Kind, str | None], Target] = {}
        self._lock = threading.RLock()
        self._closed = False

    def runner(self, flow: str) -> Runner:
        """A flow, ready to run. Raises `InputError` where there is no such flow, or after `close`."""
        runner = self._runners.get(flow)
        if runner is not None:
            return runner
        with self._lock:
            self._demand_open()
            if flow not in self.checked.flows:
                near = meant(flow, self.checked.flows) if isinstance(flow, str) else ""
                raise InputError(
                    f"The pipeline {self.checked.name!r} has no flow {flow!r}{near}.",
                    f"It has {listed(self.checked.flows)}.",
                )
            if flow not in self._runners:
                planned = plan(self.checked.flows[flow], self.checked.flows)
                self._runners[flow] = Runner(planned, self.engine, self.workers)
            return self._runners[flow]

    def ingesting(self) -> Ingesting:
        """The ingest flow, ready to run. Raises `InputError` where there is none, or after `close`."""
        with self._lock:
            self._demand_open()
            if self._ingesting is None:
                self._ingesting = Ingesting(self.checked, self.engine, self.workers)
            return self._ingesting

    def index(self) -> Target:
        """The index that ingest fills, or without ingest the only one. Raises `InputError`."""
        with self._lock:
            self._demand_open()
            if self._index is None:
                name, component = self._one_index()
                self._index = Target(self.engine, component, name, Index)
            return self._index

    def part(self, kind: Kind, name: str | None) -> Target:
        """The component of that name, or the first that `ask` refers to, or else of the components."""
        with self._lock:
            self._demand_open()
            if (kind, name) not in self._parts:
                found = self._first(kind) if name is None else self._named(name, kind)
                self._parts[kind, name] = Target(self.engine, found, name or kind, PROTOCOLS[kind])
            return self._parts[kind, name]

    def _first(self, kind: Kind) -> Any:
        steps = [call.component for call in self.runner("ask").tasks] if "ask" in self.checked.flows else []
        every = [*steps, *self.checked.components.values()]
        found = next(_implementing(every, PROTOCOLS[kind]), None)
        if found is None:
            raise InputError(
                f"The pipeline {self.checked.name!r} has no {kind}.",
                "Name one among its components, or another pipeline.",
            )
        return found

    def _named(self, name: str, kind: Kind) -> Any:
        components = self.checked.components
        if name not in components:
            near = meant(name, components) or "."
            raise InputError(
                f"The pipeline {self.checked.name!r} has no component {name!r}{near}",
                f"It has {listed(components)}." if components else "",
            )
        if not implements(signature_for(components[name]).runtime, PROTOCOLS[kind]):
            raise InputError(f"The component {name!r} is no {kind}.", "Name another one.")
        return components[name]

    def has_index(self) -> bool:
        """Whether there is one index that `index` gives."""
        return self.checked.ingest is not None or len(self._indexes()) == 1

    def _indexes(self) -> list[tuple[str, Any]]:
        return [
            (name, each)
            for name, each in self.checked.components.items()
            if implements(signature_for(each).runtime, Index)
        ]

    def _one_index(self) -> tuple[str, Any]:
        if self.checked.ingest is not None:
            return self.checked.ingest.index_id, self.checked.ingest.index
        indexes = self._indexes()
        if len(indexes) != 1:
            raise InputError(
                f"The pipeline {self.checked.name!r} has no ingest flow, and {len(indexes) or 'no'} indexes "
                "among its components.",
                "Add an `ingest` section that names the index.",
            )
        return indexes[0]

    def value(self, runner: Runner, request: Mapping[str, Any], run: Run) -> Any:
        """One request's value. Raises its error."""
        if run.cancellation.deadline is None:
            return finish(runner.alone(request, run), run)
        (value,) = self.values(runner, [request], run)
        if isinstance(value, RagbraidError):
            raise value
        return value

    async def avalue(self, runner: Runner, request: Mapping[str, Any], run: Run) -> Any:
        """`value` under asyncio, worked out in a thread. Cancelling the task ends the run."""
        future = asyncio.wrap_future(self.workers.submit(run, "", _values, runner, [request], run))
        try:
            (value,) = await asyncio.wait_for(future, run.cancellation.remaining())
        except (TimeoutError, asyncio.CancelledError):
            if (task := asyncio.current_task()) is not None and task.cancelling():
                raise
            raise run.cancellation.overdue() from None
        finally:
            run.cancellation.cancel()
        if isinstance(value, RagbraidError):
            raise value
        return value

    def values(self, runner: Runner, requests: Sequence[Mapping[str, Any]], run: Run) -> list[Any]:
        """Each request's value or error."""
        return self.in_time(run, _values, runner, requests, run)

    def in_time(self, run: Run, function: Callable[..., T], *arguments: Any) -> T:
        """What the function gives. With a deadline it is worked out in a thread, so that the caller has
        control back in time."""
        if run.cancellation.deadline is None:
            return function(*arguments)
        future: Future[T] = self.workers.submit(run, "", function, *arguments)
        try:
            return future.result(run.cancellation.remaining())
        except (FutureTimeout, CancelledError):
            if future.done() and not future.cancelled():
                return future.result()  # it ended in that very moment
            raise run.cancellation.overdue() from None
        finally:
            run.cancellation.cancel()

    def warm_up(self) -> None:
        """Load now what would load at first use."""
        for runner in [self.runner(name) for name in self.checked.flows]:
            for task in runner.tasks.values():
                task.target.warm_up()
        if self.checked.ingest is not None:
            self.ingesting().warm_up()

    def close(self, timeout: float) -> list[str]:
        """Cancel what runs, end the threads, give back what was opened; returns what doesn't stop in time."""
        with self._lock:
            if self._closed:
                return []
            self._closed = True
        running = self.workers.close(timeout)
        for runner in self._runners.values():
            for task in runner.tasks.values():
                task.target.release()
        self._runners.clear()
        if self._ingesting is not None:
            self._ingesting.release()
        for each in (*self._parts.values(), *([self._index] if self._index else [])):
            each.release()
        return running

    def _demand_open(self) -> None:
        if self._closed:
            raise InputError("This pipeline is closed.", "Load it again.")


def _implementing(components: Iterable[Any], protocol: type) -> Iterator[Any]:
    """Those of the components, and of what they refer to, that implement a protocol."""
    for each in components:
        signature = signature_for(each)
        if implements(signature.runtime, protocol):
            yield each
        for setting in signature.settings:
            if setting.protocol is not None and (value := setting_of(each, setting.name)) is not None:
                yield from _implementing(value if isinstance(value, tuple) else (value,), protocol)


def _values(runner: Runner, requests: Sequence[Mapping[str, Any]], run: Run) -> list[Any]:
    if len(requests) == 1:
        try:
            return [finish(runner.alone(requests[0], run), run)]
        except Stopped:
            raise
        except RagbraidError as error:
            return [error]
    state = runner.state(requests)
    runner.drive(runner.plan.stages, state, run)
    results = [state.result(runner.plan.output, index) for index in range(len(requests))]
    return [each if isinstance(each, RagbraidError) else finish(each, run) for each in results]
