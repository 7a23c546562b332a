"""A pipeline in use: load a file, ingest, search, ask."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Coroutine, Generator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Unpack, cast, overload

from ragbraid.context import Cancellation
from ragbraid.errors import InputError, PipelineFileError, RagbraidError, Stopped
from ragbraid.pipeline.check import check, check_tree
from ragbraid.pipeline.diagnostics import Problems
from ragbraid.pipeline.engine import SHARED, Engine
from ragbraid.pipeline.find import find
from ragbraid.pipeline.finish import finish
from ragbraid.pipeline.handles import Run
from ragbraid.pipeline.holdings import Holdings
from ragbraid.pipeline.intake import Intake
from ragbraid.pipeline.life import Life
from ragbraid.pipeline.model import CheckedPipeline, Flow
from ragbraid.pipeline.outside import Outside
from ragbraid.pipeline.parts import models_in
from ragbraid.pipeline.ranking import Ranking
from ragbraid.pipeline.requests import Caller, asked, inputs_of, narrowed, scope_of, timeout_of
from ragbraid.pipeline.stream import aevents, events
from ragbraid.types import Answer, Event, Filter, Hit, Message, Scope, Span

if TYPE_CHECKING:
    from ragbraid.pipeline.build import Sections
    from ragbraid.pipeline.graph import Graph
    from ragbraid.pipeline.recording.values import Recording
    from ragbraid.pipeline.sharing import SharedFlow
    from ragbraid.pipeline.wishes import Wishes

SOON = 0.1
"""Seconds that steps are given to stop when a run's time is up."""


class Pipeline(Intake, Holdings, Outside, Ranking):
    """Components wired by a pipeline file.

    Use `Pipeline.load` or `Pipeline.build`. A pipeline may be used from any number of threads; `close` it
    when done, or use it as a context manager.
    """

    def __init__(self, checked: CheckedPipeline, *, engine: Engine | None = None) -> None:
        self._checked = checked
        self._life = Life(checked, engine or SHARED)
        self._caller = Caller()
        self._scope = Scope()
        self._is_view = False
        self._origin: tuple[str, str | None, Mapping[str, Any]] = ("", None, {})

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
        source = find(path)
        checked = check(source, set=set, allow=allow)
        if checked.pipeline is None:
            raise PipelineFileError(checked.diagnostics)
        pipeline = cls(checked.pipeline, engine=engine)
        pipeline._origin = (source.text, None if path is None else str(path), dict(set or {}))
        return pipeline

    @classmethod
    def build(
        cls,
        *,
        base: str | Path = ".",
        allow: Sequence[str] = (),
        engine: Engine | None = None,
        **sections: Unpack[Sections],
    ) -> Pipeline:
        """Make a pipeline of what its file would hold, section by section.

        A component is a value of its class, or a mapping as in the file, whose `type` may be a name, a class,
        a function or such a value. Strings mean what they mean in a file; paths count from `base`.

        Raises `PipelineFileError` with every problem, each at its place in the call.
        """
        from ragbraid.pipeline.build import tree_of

        problems = Problems()
        tree, modules = tree_of(sections, problems)
        if problems:
            raise PipelineFileError(problems.sorted())
        checked = check_tree(tree, Path(base).expanduser().absolute(), (*allow, *modules), problems)
        if checked.pipeline is None:
            raise PipelineFileError(checked.diagnostics)
        return cls(checked.pipeline, engine=engine)

    def to_yaml(self) -> str:
        """The text of a pipeline file that says the same, to be kept in the folder `base`.

        Overrides are in it, and variables by their names; comments are not. Raises `InputError` where there
        is a secret that isn't a variable, or code that no file can name.
        """
        from ragbraid.pipeline.writing import to_yaml

        return to_yaml(self._checked)

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

    def flow(self, name: str) -> Flow:
        """A flow with its inputs, steps and output. Raises `InputError` where there is none of that name."""
        self._life.runner(name)
        return self._checked.flows[name]

    def graph(self) -> Graph:
        """Components, flows and steps, and what each reads and gives, as plain data to be drawn."""
        from ragbraid.pipeline.graphing import graph_of

        return graph_of(self._checked)

    def models(self, flow: str) -> tuple[str, ...]:
        """The names of the models that a flow uses. Raises `InputError` where there is no such flow."""
        return models_in(self.steps(flow))

    def steps(self, flow: str) -> tuple[Any, ...]:
        """The components that a flow calls, in its order. Raises `InputError` where there is no such flow."""
        return tuple(call.component for call in self._life.runner(flow).tasks)

    def section(self, name: str) -> Mapping[str, Any]:
        """What the file says for a command of that name, such as `eval`; empty where it says nothing."""
        held: Mapping[str, Any] = self._checked.sections.get(name) or {}
        return held

    def as_caller(self, caller: Caller) -> Pipeline:
        """The same pipeline for someone who may see and write only part of it; closing it closes nothing.

        Restrictions add up: a view of a view sees no more than the first.
        """
        view = object.__new__(Pipeline)
        both = narrowed(self._caller, caller)
        view.__dict__.update(self.__dict__, _caller=both, _scope=Scope(filter=both.filter), _is_view=True)
        return view

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
        hits: list[Hit] = self._value("search", {"question": question, "k": k}, filter, collection, timeout)
        return hits

    async def asearch(
        self,
        question: str,
        k: int = 10,
        *,
        filter: Filter | None = None,  # noqa: A002
        collection: str | None = None,
        timeout: float | None = None,
    ) -> list[Hit]:
        """`search` under asyncio; cancelling the task cancels the run."""
        inputs = {"question": question, "k": k}
        hits: list[Hit] = await self.arun(
            "search", filter=filter, collection=collection, timeout=timeout, **inputs
        )
        return hits

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
        answer: Answer = self._value("ask", asked(question, history), filter, collection, timeout)
        return answer

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
        inputs = asked(question, history)
        answer: Answer = await self.arun(
            "ask", filter=filter, collection=collection, timeout=timeout, **inputs
        )
        return answer

    def ask_batch(
        self,
        questions: Sequence[str],
        *,
        filter: Filter | None = None,  # noqa: A002
        collection: str | None = None,
        timeout: float | None = None,
    ) -> list[Answer | RagbraidError]:
        """Answer questions together: for each, in order, the answer or that question's own error."""
        if isinstance(questions, str):
            raise InputError("A batch is a list of questions, not one text.", "Use ask for one question.")
        runner = self._life.runner("ask")
        results: list[Answer | RagbraidError | None] = [None] * len(questions)
        requests: list[Mapping[str, Any]] = []
        places: list[int] = []
        for place, question in enumerate(questions):
            try:
                requests.append(inputs_of(runner.plan, {"question": question}))
                places.append(place)
            except InputError as error:
                results[place] = error
        run = self._run(filter, collection, timeout, len(requests))
        for place, value in zip(places, self._life.values(runner, requests, run), strict=True):
            results[place] = value
        return cast("list[Answer | RagbraidError]", results)

    def record(
        self,
        question: str,
        *,
        filter: Filter | None = None,  # noqa: A002
        collection: str | None = None,
        history: Sequence[Message | Mapping[str, Any]] | None = None,
        timeout: float | None = None,
        look_up: Sequence[str] = (),
    ) -> Recording:
        """`ask`, with all that each step gave; a question that fails is recorded too, with its error.

        `look_up` names further sources whose content hash is wanted. Raises `InputError` for a question that
        can't be asked at all.
        """
        from ragbraid.pipeline.recording.circumstances import Origin
        from ragbraid.pipeline.recording.make import record

        request = inputs_of(self._life.runner("ask").plan, asked(question, history))
        run = self._run(filter, collection, timeout)
        options = {"filter": filter, "collection": collection}
        return record(self._life, Origin(*self._origin), request, options, run, look_up)

    def stream(
        self,
        question: str,
        *,
        flow: str = "ask",
        filter: Filter | None = None,  # noqa: A002
        collection: str | None = None,
        history: Sequence[Message | Mapping[str, Any]] | None = None,
        timeout: float | None = None,
    ) -> Generator[Event, None, None]:
        """The events of an answer as it is made; the last is `answer`, as `ask` returns it, or `error`.

        Closing the iterator cancels the run.
        """
        runner = self._life.runner(flow)
        request = inputs_of(runner.plan, asked(question, history))
        return events(runner, request, self._run(filter, collection, timeout), finish, self._life.workers)

    def astream(
        self,
        question: str,
        *,
        flow: str = "ask",
        filter: Filter | None = None,  # noqa: A002
        collection: str | None = None,
        history: Sequence[Message | Mapping[str, Any]] | None = None,
        timeout: float | None = None,
    ) -> AsyncGenerator[Event, None]:
        """`stream` under asyncio."""
        inputs = asked(question, history)
        return self.astream_run(flow, filter=filter, collection=collection, timeout=timeout, **inputs)

    def astream_run(
        self,
        flow: str,
        *,
        filter: Filter | None = None,  # noqa: A002
        collection: str | None = None,
        timeout: float | None = None,
        wishes: Wishes | None = None,
        **inputs: Any,
    ) -> AsyncGenerator[Event, None]:
        """The events of any flow, run in a thread; the last is `answer`, with what `run` returns, or `error`.

        Raises `InputError` at once for inputs that the flow doesn't take.
        """
        runner = self._life.runner(flow)
        request = inputs_of(runner.plan, inputs)
        run = self._run(filter, collection, timeout)
        run.wishes = wishes
        return aevents(runner, request, run, finish, self._life.workers)

    @overload
    def run(self, flow: Literal["search"], **inputs: Any) -> list[Hit]: ...

    @overload
    def run(self, flow: Literal["ask", "chat"], **inputs: Any) -> Answer: ...

    @overload
    def run(self, flow: str, **inputs: Any) -> Any: ...

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
        return self._value(flow, inputs, filter, collection, timeout)

    @overload
    async def arun(self, flow: Literal["search"], **inputs: Any) -> list[Hit]: ...

    @overload
    async def arun(self, flow: Literal["ask", "chat"], **inputs: Any) -> Answer: ...

    @overload
    async def arun(self, flow: str, **inputs: Any) -> Any: ...

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
        runner = self._life.runner(flow)
        state = runner.state([inputs_of(runner.plan, inputs)])
        run = self._run(filter, collection, timeout)
        try:
            async with asyncio.timeout(timeout):
                await runner.adrive(state, run)
        except TimeoutError:
            overdue = run.cancellation.overdue()
            run.cancellation.cancel()
            raise overdue from None
        except BaseException:
            run.cancellation.cancel()
            raise
        value = state.result(runner.plan.output, 0)
        if isinstance(value, RagbraidError):
            raise value
        return finish(value, run)

    def arun_aside(
        self,
        flow: str,
        *,
        trace: list[Span],
        filter: Filter | None = None,  # noqa: A002
        collection: str | None = None,
        timeout: float | None = None,
        wishes: Wishes | None = None,
        **inputs: Any,
    ) -> Coroutine[Any, Any, Any]:
        """`run` in a thread, so that no step holds up the event loop; `trace` is given what the steps did.

        Cancelling the task that awaits it cancels the run. Raises `InputError` at once for inputs that the
        flow doesn't take.
        """
        runner = self._life.runner(flow)
        request = inputs_of(runner.plan, inputs)
        run = self._run(filter, collection, timeout)
        run.spans, run.wishes = trace, wishes
        return self._life.avalue(runner, request, run)

    def sharing(
        self,
        flow: str,
        *,
        filter: Filter | None = None,  # noqa: A002
        collection: str | None = None,
    ) -> SharedFlow:
        """A flow to be run beside those of other pipelines, which take over from each other what is equal."""
        from ragbraid.pipeline.sharing import SharedFlow

        begin = partial(self._run, filter, collection, None)
        return SharedFlow(self._life.runner(flow), self._checked.base, begin)

    def expect(self, runs: int) -> None:
        """Make room for so many runs at a time; else they share 32 threads, and what is beyond waits."""
        self._life.workers.expect(runs)

    def open(self) -> Pipeline:
        """Load now what would load at first use: weights, the index, connections."""
        self._life.warm_up()
        return self

    def close(self, timeout: float = 5.0) -> list[str]:
        """End its threads and give back what it opened; returns the steps that don't stop in `timeout` s."""
        return [] if self._is_view else self._life.close(timeout)

    def __enter__(self) -> Pipeline:
        return self

    def __exit__(self, _kind: object, error: object, _trace: object) -> None:
        if isinstance(error, Stopped):  # its time is up already, and what doesn't stop isn't waited for
            error.name_running(self.close(SOON))
        else:
            self.close()

    def _repr_html_(self) -> str:
        from ragbraid.pipeline.notebook import pipeline_html

        return pipeline_html(self._checked)

    def __repr__(self) -> str:
        return f"<Pipeline {self.name}: {', '.join(self._checked.flows)}>"

    def _value(
        self,
        flow: str,
        inputs: Mapping[str, Any],
        filter: Filter | None,  # noqa: A002
        collection: str | None,
        timeout: float | None,
    ) -> Any:
        runner = self._life.runner(flow)
        request = inputs_of(runner.plan, inputs)
        return self._life.value(runner, request, self._run(filter, collection, timeout))

    def _run(
        self,
        filter: Filter | None,  # noqa: A002
        collection: str | None,
        timeout: float | None,
        questions: int = 1,
    ) -> Run:
        if filter is None and collection is None:
            scope = self._scope
        else:
            scope = scope_of(self._caller, filter, collection, self._checked.fields)
        return Run(scope, Cancellation(None if timeout is None else timeout_of(timeout), questions))
