"""Running flows for requests: each in its turn, stopped when its client goes away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any, TypeVar

from starlette.requests import Request

from ragbraid.context import Cancellation
from ragbraid.errors import Cancelled, RagbraidError, StepError, told
from ragbraid.pipeline.pipeline import Pipeline
from ragbraid.pipeline.wishes import Wishes
from ragbraid.serve.clients import Client
from ragbraid.serve.failures import ClientGone
from ragbraid.serve.observed import Observed, Observers
from ragbraid.serve.queue import Queue
from ragbraid.serve.shelf import Served
from ragbraid.types import Event, Filter

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Job:
    """A flow to be run for someone. `timeout` is in seconds, beside that of the server."""

    client: Client
    served: Served
    flow: str
    inputs: Mapping[str, Any]
    filter: Filter | None = None
    collection: str | None = None
    timeout: float | None = None
    wishes: Wishes | None = None


class Work:
    """Runs what requests ask for, no more at a time than the server is told to."""

    def __init__(self, queue: Queue, timeout: float, observers: Observers) -> None:
        self.queue = queue
        self._observers = observers
        self._timeout = timeout
        self._under_way: set[Callable[[], None]] = set()

    def hand_back(self) -> None:
        """End what still runs with a sentence, before the server has to break it off."""
        for end in list(self._under_way):
            end()

    @asynccontextmanager
    async def events(self, job: Job) -> AsyncIterator[AsyncIterator[Event]]:
        """The events of a flow, which goes on at its own pace as they are read; leaving it cancels the run.

        Raises what is wrong with the request before anything is run, and `Refused` where the queue is full.
        """
        async with self.queue.turn(job.client) as turn:
            with job.served.borrowed(job.client) as pipeline:
                made = _events(pipeline, job, self._seconds(job.timeout))
                found: asyncio.Queue[Event | None] = asyncio.Queue()
                observed = self._observers.begin(pipeline, job.flow, job.inputs)
                task = asyncio.create_task(_pump(made, found, observed, turn.leave))

                def end() -> None:
                    found.put_nowait(Event("error", "", -1, _stopping()))
                    task.cancel()

                self._under_way.add(end)
                try:
                    yield _read(found)
                finally:
                    self._under_way.discard(end)
                    task.cancel()
                    with suppress(asyncio.CancelledError):
                        await task

    async def value(self, request: Request, job: Job) -> Any:
        """What a flow gives. Raises its error, and `ClientGone`."""
        return await unless_gone(request, self.result(job))

    async def result(self, job: Job) -> Any:
        """What a flow gives, whoever waits for it. Raises its error."""
        async with self.queue.turn(job.client):
            with job.served.borrowed(job.client) as pipeline:
                observed = self._observers.begin(pipeline, job.flow, job.inputs)
                running = pipeline.arun_aside(
                    job.flow, trace=observed.spans, filter=job.filter, collection=job.collection,
                    timeout=self._seconds(job.timeout), wishes=job.wishes, **job.inputs,
                )  # fmt: skip
                try:
                    value = await self._ended(running)
                    observed.see(Event("answer", job.flow, 0, value))
                except RagbraidError as error:
                    observed.see(Event("error", job.flow, 0, error))
                    raise
                finally:
                    observed.end()
                return value

    async def _ended(self, running: Awaitable[T]) -> T:
        """What a run comes to, unless the server is stopped first. Raises its error."""
        unstopped = asyncio.timeout(None)

        def end() -> None:
            unstopped.reschedule(0)

        self._under_way.add(end)
        try:
            async with unstopped:
                return await running
        except TimeoutError:
            raise _stopping() from None
        except RagbraidError:
            raise
        except Exception as error:
            raise StepError(told(error)) from error
        finally:
            self._under_way.discard(end)

    async def call(
        self, request: Request, client: Client, served: Served, work: Callable[[Pipeline], T]
    ) -> T:
        """What a function of a pipeline gives, called in a thread. Raises its error, and `ClientGone`.

        A client that goes away isn't waited for; the turn ends with the function.
        """
        return await unless_gone(request, self.inner(client, served, lambda pipeline, _: work(pipeline)))

    async def inner(self, client: Client, served: Served, work: Callable[[Pipeline, Cancellation], T]) -> T:
        """`call` inside other work that watches its client: when that is cancelled, the function is told."""
        cancellation = Cancellation(self._timeout)
        async with self.queue.turn(client):
            with served.borrowed(client) as pipeline:
                thread = asyncio.ensure_future(asyncio.to_thread(work, pipeline, cancellation))
                try:
                    return await asyncio.shield(thread)
                except asyncio.CancelledError:
                    cancellation.cancel()
                    await asyncio.wait({thread})
                    if not thread.cancelled():
                        thread.exception()
                    raise

    def _seconds(self, asked: float | None) -> float:
        return self._timeout if asked is None else min(asked, self._timeout)


def _stopping() -> Cancelled:
    return Cancelled("The server is stopping.", "Ask again.")


def _events(pipeline: Pipeline, job: Job, timeout: float) -> Any:
    return pipeline.astream_run(
        job.flow, filter=job.filter, collection=job.collection, timeout=timeout, wishes=job.wishes,
        **job.inputs,
    )  # fmt: skip


async def _pump(
    made: Any, found: asyncio.Queue[Event | None], observed: Observed, leave: Callable[[], None]
) -> None:
    """Move events to where they can wait for a slow client, and end the turn when the last was made."""
    try:
        async with aclosing(made) as events:
            async for each in events:
                observed.see(each)
                found.put_nowait(each)
    except Exception as error:
        known = error if isinstance(error, RagbraidError) else StepError(told(error))
        known.__cause__ = known.__cause__ or (error if known is not error else None)
        found.put_nowait(Event("error", "", -1, known))
    finally:
        leave()
        found.put_nowait(None)
        observed.end()


async def _read(found: asyncio.Queue[Event | None]) -> AsyncIterator[Event]:
    while (event := await found.get()) is not None:
        yield event


async def first_words(events: AsyncIterator[Event]) -> list[Event]:
    """The events up to the first that says more than that a step ended. Raises the error, where it is one.

    So what fails before anything was said has a status of its own, in a stream as in a whole reply.
    """
    held: list[Event] = []
    async for each in events:
        if each.kind == "error":
            raise each.value
        held.append(each)
        if each.kind != "step":
            break
    return held


async def chained(held: list[Event], events: AsyncIterator[Event]) -> AsyncIterator[Event]:
    """What was held, and what comes after it."""
    for each in held:
        yield each
    async for each in events:
        yield each


async def unless_gone(request: Request, work: Awaitable[T]) -> T:
    """What the work comes to; it is cancelled where the client goes away first, and `ClientGone` raised."""
    task = asyncio.ensure_future(work)
    gone = asyncio.create_task(_gone(request))
    try:
        await asyncio.wait({task, gone}, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            return task.result()
        raise ClientGone
    finally:
        gone.cancel()
        if not task.done():
            task.cancel()
            await asyncio.wait({task})
            if not task.cancelled():
                task.exception()


async def _gone(request: Request) -> None:
    """Returns when the client went away. Its body has been read by now."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
