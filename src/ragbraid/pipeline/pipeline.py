"""A pipeline in use: load a file, ingest, search, ask."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from concurrent.futures import CancelledError, Future
from concurrent.futures import TimeoutError as FutureTimeout
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

from ragbraid.context import Cancellation
from ragbraid.errors import InputError, PipelineFileError, RagbraidError
from ragbraid.pipeline.check import check
from ragbraid.pipeline.diagnostics import listed, meant
from ragbraid.pipeline.engine import SHARED, Engine
from ragbraid.pipeline.find import find
from ragbraid.pipeline.finish import finish
from ragbraid.pipeline.handles import Run
from ragbraid.pipeline.ingesting import Ingesting
from ragbraid.pipeline.model import CheckedPipeline
from ragbraid.pipeline.plan import plan
from ragbraid.pipeline.requests import Caller, inputs_of, scope_of
from ragbraid.pipeline.run import Runner
from ragbraid.pipeline.stream import aevents, events, overdue
from ragbraid.pipeline.workers import Workers
from ragbraid.types import Answer, Event, Filter, Hit, Message

if TYPE_CHECKING:
    from ragbraid.ingest.report import IngestReport

T = TypeVar("T")
_CLOSE_SECONDS = 5.0


class Pipeline:
    """Components wired by a pipeline file.

    Use `Pipeline.load`. A pipeline may be used from any number of threads; `close` it when done, or use it
    as a context manager.
    """

    def __init__(self, checked: CheckedPipeline, *, engine: Engine | None = None) -> None:
        self._checked = checked
        self._engine = engine or SHARED
        self._workers = Workers()
        self._runners: dict[str, Runner] = {}
        self._ingesting: Ingesting | None = None
        self._lock = threading.RLock()
        self._closed = False
        self._caller = Caller()

    @classmethod
    def load(
        cls,
        path: str | Path | None = None,
        *,
        set: Mapping[str, Any] | None = None,  # noqa: A002 - the name of the command line's option
        allow: Sequence[str] = (),
        engine: Engine | None = None,
    ) -> Pipeline:
        """Read and check a pipeline file.

        Without a path: `ragbraid.yaml` in the current folder or one above it, else the packaged local.yaml.
        `set` overrides settings by id (`{"search.maxsim.candidates": 50}`); `allow` names modules and files
        whose code the pipeline may run. No weights are loaded before they are needed.

        Raises `PipelineFileError` with every problem of the file, and `InputError` where there is no file.
        """
        checked = check(find(path), set=set, allow=allow)
        if checked.pipeline is None:
            raise PipelineFileError(checked.diagnostics)
        return cls(checked.pipeline, engine=engine)

    @property
    def name(self) -> str:
        """The pipeline's name, by default its file's."""
        return self._checked.name

    @property
    def base(self) -> Path:
        """The folder that its paths and sources count from."""
        return self._checked.base

    @property
    def flows(self) -> tuple[str, ...]:
        """The flows that can be run, besides ingest."""
        return tuple(self._checked.flows)

    def as_caller(self, caller: Caller) -> Pipeline:
        """The same pipeline for someone who may see and write only part of it; closing it closes nothing."""
        view = object.__new__(Pipeline)
        view.__dict__.update(self.__dict__, _caller=caller)
        return view

    def ingest(
        self,
        paths: str | Path | Sequence[str | Path],
        *,
        collection: str | None = None,
        prune: bool = False,
        metadata: Mapping[str, Any] | None = None,
        on_progress: Any | None = None,
        timeout: float | None = None,
    ) -> IngestReport:
        """Bring the index up to date with files and folders, source by source.

        What is unchanged is left alone; a source that can't be read is reported, and the others go on.
        `on_progress` gets a `Progress` for each source, after its commit is on disk. `prune` removes sources
        under the paths whose files are gone. Raises `InputError` for a path that isn't there.
        """
        given = [paths] if isinstance(paths, str | Path) else list(paths)
        if not given:
            raise InputError("There is nothing to ingest.", "Name a file or a folder.")
        run = self._run(None, collection, timeout)
        stamped = {**(metadata or {}), **self._caller.metadata}
        report = self._ingest().ingest([str(each) for each in given], run, prune, stamped, on_progress)
        return cast("IngestReport", report)

    def search(
        self,
        question: str,
        k: int = 10,
        *,
        filter: Filter | None = None,  # noqa: A002 - the field's usual name
        collection: str | None = None,
        timeout: float | None = None,
    ) -> list[Hit]:
        """The k best hits for a question, best first."""
        inputs = {"question": question, "k": k}
        return cast(
            "list[Hit]", self.run("search", filter=filter, collection=collection, timeout=timeout, **inputs)
        )

    def ask(
        self,
        question: str,
        *,
        filter: Filter | None = None,  # noqa: A002
        collection: str | None = None,
        history: Sequence[Message | Mapping[str, Any]] | None = None,
        timeout: float | None = None,
    ) -> Answer:
        """Answer a question from the index. Raises `DeadlineExceeded` after `timeout` seconds."""
        inputs = {"question": question, "history": history}
        return cast(
            "Answer", self.run("ask", filter=filter, collection=collection, timeout=timeout, **inputs)
        )

    async def aask(
        self,
        question: str,
        *,
        filter: Filter | None = None,  # noqa: A002
        collection: str | None = None,
        history: Sequence[Message | Mapping[str, Any]] | None = None,
        timeout: float | None = None,
    ) -> Answer:
        """`ask` under asyncio; cancelling the task cancels the run."""
        inputs = {"question": question, "history": history}
        return cast(
            "Answer", await self.arun("ask", filter=filter, collection=collection, timeout=timeout, **inputs)
        )

    def ask_batch(
        self,
        questions: Sequence[str],
        *,
        filter: Filter | None = None,  # noqa: A002
        collection: str | None = None,
        timeout: float | None = None,
    ) -> list[Answer | RagbraidError]:
        """Answer questions together: for each, in order, the answer or that question's own error."""
        runner = self._runner("ask")
        results: list[Answer | RagbraidError | None] = [None] * len(questions)
        requests: list[dict[str, Any]] = []
        places: list[int] = []
        for place, question in enumerate(questions):
            try:
                requests.append(inputs_of(runner.plan, {"question": question}))
                places.append(place)
            except InputError as error:
                results[place] = error
        run = self._run(filter, collection, timeout)
        for place, value in zip(places, self._wait(self._values, runner, requests, run), strict=True):
            results[place] = value
        return cast("list[Answer | RagbraidError]", results)

    def stream(
        self,
        question: str,
        *,
        flow: str = "ask",
        filter: Filter | None = None,  # noqa: A002
        collection: str | None = None,
        history: Sequence[Message | Mapping[str, Any]] | None = None,
        timeout: float | None = None,
    ) -> Iterator[Event]:
        """The events of an answer as it is made; the last is `answer`, equal to what `ask` returns, or `error`.

        Closing the iterator cancels the run.
        """
        runner = self._runner(flow)
        request = inputs_of(runner.plan, {"question": question, "history": history})
        return events(runner, request, self._run(filter, collection, timeout), finish, self._workers)

    def astream(
        self,
        question: str,
        *,
        flow: str = "ask",
        filter: Filter | None = None,  # noqa: A002
        collection: str | None = None,
        history: Sequence[Message | Mapping[str, Any]] | None = None,
        timeout: float | None = None,
    ) -> AsyncIterator[Event]:
        """`stream` under asyncio."""
        runner = self._runner(flow)
        request = inputs_of(runner.plan, {"question": question, "history": history})
        return aevents(runner, request, self._run(filter, collection, timeout), finish, self._workers)

    def run(
        self,
        flow: str,
        *,
        filter: Filter | None = None,  # noqa: A002
        collection: str | None = None,
        timeout: float | None = None,
        **inputs: Any,
    ) -> Any:
        """Run any flow with its inputs by name; returns what the flow puts out."""
        runner = self._runner(flow)
        request = inputs_of(runner.plan, inputs)
        run = self._run(filter, collection, timeout)
        (value,) = self._wait(self._values, runner, [request], run)
        if isinstance(value, RagbraidError):
            raise value
        return value

    async def arun(
        self,
        flow: str,
        *,
        filter: Filter | None = None,  # noqa: A002
        collection: str | None = None,
        timeout: float | None = None,
        **inputs: Any,
    ) -> Any:
        """`run` under asyncio."""
        runner = self._runner(flow)
        state = runner.state([inputs_of(runner.plan, inputs)])
        run = self._run(filter, collection, timeout)
        try:
            async with asyncio.timeout(timeout):
                await runner.adrive(state, run)
        except TimeoutError:
            run.cancellation.cancel()
            raise overdue(flow, 0, run).value from None
        except BaseException:
            run.cancellation.cancel()
            raise
        value = state.result(runner.plan.output, 0)
        if isinstance(value, RagbraidError):
            raise value
        return finish(value, run)

    def open(self) -> Pipeline:
        """Load now what would load at first use: weights, the index, connections."""
        for runner in (self._runner(name) for name in self._checked.flows):
            for task in runner.tasks.values():
                task.target.warm_up()
        if self._checked.ingest is not None:
            self._ingest().warm_up()
        return self

    def close(self) -> list[str]:
        """End its threads and give back what it opened; returns the names of steps that can't be stopped."""
        with self._lock:
            if self._closed:
                return []
            self._closed = True
        running = self._workers.close(_CLOSE_SECONDS)
        for runner in self._runners.values():
            for task in runner.tasks.values():
                task.target.release()
        self._runners.clear()
        if self._ingesting is not None:
            self._ingesting.release()
        return running

    def __enter__(self) -> Pipeline:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Pipeline {self.name}: {', '.join(self._checked.flows)}>"

    def _run(self, filter: Filter | None, collection: str | None, timeout: float | None) -> Run:  # noqa: A002
        if timeout is not None and not timeout > 0:
            raise InputError(f"A timeout is a number of seconds above 0, not {timeout!r}.")
        scope = scope_of(self._caller, filter, collection, self._checked.fields)
        return Run(scope, Cancellation(timeout))

    def _runner(self, flow: str) -> Runner:
        runner = self._runners.get(flow)
        if runner is not None:
            return runner
        with self._lock:
            self._demand_open()
            if flow not in self._checked.flows:
                near = meant(flow, self._checked.flows)
                raise InputError(
                    f"The pipeline {self.name!r} has no flow {flow!r}{near}.",
                    f"It has {listed(self._checked.flows)}.",
                )
            if flow not in self._runners:
                planned = plan(self._checked.flows[flow], self._checked.flows)
                self._runners[flow] = Runner(planned, self._engine, self._workers)
            return self._runners[flow]

    def _ingest(self) -> Ingesting:
        with self._lock:
            self._demand_open()
            if self._ingesting is None:
                self._ingesting = Ingesting(self._checked, self._engine, self._workers)
            return self._ingesting

    def _demand_open(self) -> None:
        if self._closed:
            raise InputError("This pipeline is closed.", "Load it again.")

    def _values(self, runner: Runner, requests: list[dict[str, Any]], run: Run) -> list[Any]:
        state = runner.state(requests)
        runner.drive(state, run)
        results = [state.result(runner.plan.output, index) for index in range(len(requests))]
        return [each if isinstance(each, RagbraidError) else finish(each, run) for each in results]

    def _wait(self, function: Any, runner: Runner, requests: list[dict[str, Any]], run: Run) -> list[Any]:
        """Run in this thread; with a deadline in a worker, so that the caller has control back in time."""
        if run.cancellation.deadline is None:
            return cast("list[Any]", function(runner, requests, run))
        future: Future[list[Any]] = self._workers.submit(runner.plan.flow, function, runner, requests, run)
        try:
            return future.result(run.cancellation.remaining())
        except (FutureTimeout, CancelledError):
            if future.done() and not future.cancelled() and (error := future.exception()) is not None:
                raise error from None
            raise overdue(runner.plan.flow, 0, run).value from None
        finally:
            run.cancellation.cancel()
