"""A run as events: steps as they end, pieces of text as they come, and last the very answer of `ask`."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncGenerator, Callable, Generator, Iterator, Mapping
from concurrent.futures import Future
from contextlib import nullcontext, suppress
from queue import Empty, Full, Queue
from threading import Lock
from typing import Any

from ragbraid.context import Context
from ragbraid.errors import FOREIGN, RagbraidError, StepError, told
from ragbraid.pipeline.handles import Run
from ragbraid.pipeline.operations import Call, Ending, Stages
from ragbraid.pipeline.run import Runner
from ragbraid.pipeline.state import State
from ragbraid.pipeline.targets import method_of
from ragbraid.pipeline.workers import Workers
from ragbraid.types import Answer, Delta, Event, Span

_PATIENCE = 0.05
"""Seconds between looks at the cancellation while one side waits for the other."""

Emit = Callable[[Event], None]
Finish = Callable[[Any, Run], Any]


class Producer:
    """Runs a plan for one question and emits its events, in a worker's thread."""

    def __init__(
        self, runner: Runner, request: Mapping[str, Any], run: Run, finish: Finish, emit: Emit
    ) -> None:
        self._runner = runner
        self._request = request
        self._run = run
        self._finish = finish
        self._emit = emit
        self._next = 0
        self._streamed = False
        self._saying = Lock()
        run.listener = self._step

    def produce(self) -> None:
        """Emit everything; the last event is `answer` or `error`. Raises only what ends the process."""
        step = self._runner.plan.flow
        try:
            value = self._value()
            # What gave it may not stream: what is said still adds up to the answer.
            if isinstance(value, Answer) and not self._streamed and value.text:
                self._say("delta", step, value.text)
            self._say("answer", step, self._finish(value, self._run))
        except _GoneError:
            return
        except RagbraidError as error:
            self._last_words(step, error)
        except FOREIGN as error:
            wrapped = StepError(f"The flow {step!r} failed with {told(error)}")
            wrapped.__cause__ = error
            self._last_words(step, wrapped)

    def _value(self) -> Any:
        plan = self._runner.plan
        state = self._runner.state([self._request])
        self._through(plan.stages, plan.output, state, self._run)
        result = state.result(plan.output, 0)
        if isinstance(result, RagbraidError):
            raise result
        return result

    def _through(self, stages: Stages, output: int, state: State, run: Run) -> None:
        """Run stages for their output; what gives it streams, on the way that a branch takes too."""
        last = ending(stages, output)
        if last is None:
            chain = streaming_chain(stages, output)
            self._runner.drive(stages, state, run, but=chain)
            if chain and not state.errors:
                self._hits(chain[-1], state)
                for item in self._items(chain, state, run):
                    run.cancellation.check()
                    if isinstance(item, Delta):
                        self._streamed = True
                        self._say("delta", chain[-1].step, item.text)
            return
        self._runner.drive(stages[:-1], state, run)
        found = None if state.errors else last.ends_in(state, run)
        if found is None:
            return
        way, within = found
        self._through(way.stages, way.output, state, within)
        value = state.slots[output][0] = state.slots[way.output][0]
        if way.done is not None and not state.errors:
            way.done(value)

    def _items(self, chain: tuple[Call, ...], state: State, run: Run) -> Iterator[Any]:
        """What the last call of a chain yields; its value lands in its slot on the way."""
        *upstream, call = chain
        self._run.step = call.step
        task = self._runner.tasks[call]
        context = Context(run.cancellation, call.step, run.scope) if task.context is not None else None
        try:
            stream = task.target.bind(run).stream
        except FOREIGN as error:
            raise task.failure(error) from error
        arguments = dict(zip(_names(call), state.arguments(call.arguments, 0), strict=True))
        if upstream:
            del arguments[_replaced(call) or ""]
            arguments["events"] = self._items(tuple(upstream), state, run)
        if context is not None:
            arguments[_context_name(call)] = context
        with run.timed(call.step, context), task.lock or nullcontext():
            value: Any = _NOTHING
            iterator = stream(**arguments)
            try:
                for item in iterator:
                    if not isinstance(item, Delta):
                        value = item
                        state.slots[call.output][0] = task.named(item)
                    yield item
                    self._run.step = call.step
            except RagbraidError:
                raise
            except FOREIGN as error:
                raise task.failure(error) from error
            finally:
                for each in (iterator, arguments.get("events")):
                    if inspect.isgenerator(each):
                        each.close()
            if value is _NOTHING:
                raise StepError(
                    f"The step {call.step!r} streamed no value.", "`stream` yields the value last."
                )

    def _hits(self, call: Call, state: State) -> None:
        arguments = dict(zip(_names(call), state.arguments(call.arguments, 0), strict=True))
        if "hits" in arguments:
            self._say("hits", call.step, arguments["hits"])

    def _step(self, span: Span) -> None:
        self._say("step", span.step, span)

    def _say(self, kind: Any, step: str, value: Any) -> None:
        with self._saying:  # steps that run side by side may end together
            event = Event(kind, step, self._next, value)
            self._next += 1
            self._emit(event)

    def _last_words(self, step: str, error: RagbraidError) -> None:
        try:
            self._say("error", step, error)
        except _GoneError:
            return


class _GoneError(Exception):
    """Nobody takes the events any more."""


_NOTHING = object()


def ending(stages: Stages, output: int) -> Ending | None:
    """What is decided last and gives the output by one of its sub-plans, such as a branch, if anything."""
    last = stages[-1] if stages else None
    if last is None or last.calls or len(last.others) != 1:
        return None
    (each,) = last.others
    return each if isinstance(each, Ending) and each.output == output else None


def streaming_chain(stages: Stages, output: int) -> tuple[Call, ...]:
    """The calls at the end of a plan that stream into each other, the first of them first.

    Each is alone in its stage, so that whatever else there is to do has been done, and has failed, before it,
    as in any other run. Where one wants events and what it follows doesn't stream there is no chain.
    """
    chain: list[Call] = []
    wanted: Any = output
    for stage in reversed(stages):
        call = stage.calls[0] if len(stage.calls) == 1 and not stage.others else None
        if call is None or call.output != wanted or method_of(call.signature.runtime, "stream") is None:
            break
        chain.insert(0, call)
        replaced = _replaced(call)
        if replaced is None:
            return tuple(chain) if _only_streamed(chain) else ()
        wanted = call.arguments[_names(call).index(replaced)]
    return ()


def _only_streamed(chain: list[Call]) -> bool:
    """Whether nothing in the chain reads another's value but as events."""
    outputs = {each.output for each in chain[:-1]}
    read = [slot for call in chain for slot in call.reads() if slot in outputs]
    return len(read) == len(outputs)


def _names(call: Call) -> list[str]:
    return [each.name for each in call.signature.inputs or ()]


def _stream_parameters(call: Call) -> Mapping[str, inspect.Parameter]:
    return inspect.signature(call.signature.runtime.stream).parameters


def _replaced(call: Call) -> str | None:
    """The input that a call's `stream` takes as events, if it does."""
    parameters = _stream_parameters(call)
    return next((each for each in _names(call) if "events" in parameters and each not in parameters), None)


def _context_name(call: Call) -> str:
    known = {"self", "events", *_names(call)}
    return next((each for each in _stream_parameters(call) if each not in known), "context")


def events(
    runner: Runner, request: Mapping[str, Any], run: Run, finish: Finish, workers: Workers
) -> Generator[Event, None, None]:
    """The events of a run. Closing the iterator cancels the run."""
    queue: Queue[Event] = Queue(maxsize=256)

    def emit(event: Event) -> None:
        while True:
            try:
                return queue.put(event, timeout=_PATIENCE)
            except Full:
                if run.cancellation.cancelled:
                    raise _GoneError from None

    future = workers.submit(run, "", Producer(runner, request, run, finish, emit).produce)
    sequence = 0
    try:
        while True:
            try:
                event = queue.get(timeout=_PATIENCE)
            except Empty:
                if run.cancellation.remaining() != 0.0 and not future.done():
                    continue
                if future.done() and not queue.empty():
                    continue
                event = _ended(runner.plan.flow, sequence, run, future)
            yield event
            sequence = event.seq + 1
            if event.kind in ("answer", "error"):
                return
    finally:
        run.cancellation.cancel()


async def aevents(
    runner: Runner, request: Mapping[str, Any], run: Run, finish: Finish, workers: Workers
) -> AsyncGenerator[Event, None]:
    """The events of a run under asyncio. Closing the iterator, or cancelling its task, cancels the run."""
    loop = asyncio.get_running_loop()
    queue: asyncio.Queue[Event | None] = asyncio.Queue()

    def emit(event: Event) -> None:
        if run.cancellation.cancelled:
            raise _GoneError
        try:
            loop.call_soon_threadsafe(queue.put_nowait, event)
        except RuntimeError:  # the loop is closed
            raise _GoneError from None

    future = workers.submit(run, "", Producer(runner, request, run, finish, emit).produce)
    # Runs after whatever the producer had put on the loop, so that a None means that nothing more comes.
    future.add_done_callback(lambda _: _wake(loop, queue))
    sequence = 0
    try:
        while True:
            try:
                event = await asyncio.wait_for(queue.get(), run.cancellation.remaining())
            except TimeoutError:
                event = None
            event = event or _ended(runner.plan.flow, sequence, run, future)
            yield event
            sequence = event.seq + 1
            if event.kind in ("answer", "error"):
                return
    finally:
        run.cancellation.cancel()


def _wake(loop: asyncio.AbstractEventLoop, queue: asyncio.Queue[Event | None]) -> None:
    with suppress(RuntimeError):  # the loop is closed
        loop.call_soon_threadsafe(queue.put_nowait, None)


def _ended(flow: str, sequence: int, run: Run, future: Future[Any]) -> Event:
    """The last event of a run that was stopped from outside. Raises what ended its thread, if anything."""
    if future.done() and not future.cancelled():
        future.result()
        if not run.cancellation.cancelled and run.cancellation.remaining() != 0.0:
            run.cancellation.cancel()
    return Event("error", flow, sequence, run.cancellation.overdue())
