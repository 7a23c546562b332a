"""Ingests that requests begin and that go on after them, one after the other for each pipeline."""

from __future__ import annotations

import logging
import threading
import time
import uuid
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from queue import SimpleQueue
from typing import Any, Literal, TypeAlias

from ragbraid.errors import Cancelled, RagbraidError, told
from ragbraid.ingest.report import IngestReport, Progress
from ragbraid.serial import to_json
from ragbraid.serve.clients import Client
from ragbraid.serve.failures import Refused, refusal
from ragbraid.serve.shelf import Served
from ragbraid.types import Span

LOG = logging.getLogger("ragbraid.serve")
_WAITING = 256
_KEPT = 1000
"""How many jobs that ended can still be asked about."""


@dataclass(eq=False, slots=True)
class Job:
    """An ingest. `done` of `total` sources are dealt with; `error` says why it failed as a whole."""

    client: Client
    served: Served
    paths: tuple[Path, ...]
    sources: tuple[str, ...]
    id: str = field(default_factory=lambda: f"job-{uuid.uuid4().hex}")
    state: Literal["waiting", "running", "done", "failed"] = "waiting"
    done: int = 0
    total: int = 0
    report: IngestReport | None = None
    error: str | None = None

    def to_json(self) -> dict[str, Any]:
        """What a client reads of it."""
        return {
            "id": self.id, "pipeline": self.served.name, "state": self.state, "sources": list(self.sources),
            "done": self.done, "total": self.total, "report": to_json(self.report), "error": self.error,
        }  # fmt: skip


@dataclass(slots=True)
class Ingested:
    """An ingest as it is told to metrics and traces: what came of it, and the times of its steps."""

    pipeline: str
    began_ns: int = field(default_factory=time.time_ns)
    spans: list[Span] = field(default_factory=list)
    report: IngestReport | None = None
    error: Exception | None = None


Observe: TypeAlias = Callable[[Ingested], None]


def _nobody(_: Ingested) -> None:
    pass


class Jobs:
    """Runs jobs in a thread for each pipeline, since an index has one writer."""

    def __init__(self) -> None:
        self.observe: Observe = _nobody
        """Who is told of each ingest."""
        self._jobs: OrderedDict[str, Job] = OrderedDict()
        self._queues: dict[str, SimpleQueue[Job | None]] = {}
        self._threads: list[threading.Thread] = []
        self._lock = threading.Lock()
        self._stopping = threading.Event()

    @property
    def waiting(self) -> int:
        """How many are waiting or under way."""
        with self._lock:
            return sum(each.state in ("waiting", "running") for each in self._jobs.values())

    def demand_room(self) -> None:
        """Raise `Refused` where no more can wait."""
        if self._stopping.is_set():
            raise Refused(503, "The server is stopping.", code="stopping", retry_after=10)
        if self.waiting >= _WAITING:
            raise Refused(503, "Too many ingests are waiting.", code="queue_full", retry_after=10)

    def add(self, client: Client, served: Served, paths: Sequence[Path], sources: Sequence[str] = ()) -> Job:
        """Have these paths ingested, when it is their turn."""
        job = Job(client, served, tuple(paths), tuple(sources))
        with self._lock:
            self._jobs[job.id] = job
            self._forget()
            self._queue(served.name).put(job)
        return job

    def find(self, id: str, client: Client) -> Job:  # noqa: A002 - what clients call it
        """A client's own job. Raises `Refused`."""
        with self._lock:
            job = self._jobs.get(id)
        if job is None or job.client.name != client.name:
            raise Refused(404, f"There is no job {id!r}.", param="job")
        return job

    def close(self, timeout: float) -> None:
        """End after the source that is being read; what isn't done is taken up at the next start."""
        self._stopping.set()
        for each in self._queues.values():
            each.put(None)
        for thread in self._threads:
            thread.join(timeout / max(len(self._threads), 1))

    def _queue(self, name: str) -> SimpleQueue[Job | None]:
        if name not in self._queues:
            queue = self._queues[name] = SimpleQueue()
            thread = threading.Thread(target=self._work, args=(queue,), name="ragbraid-jobs", daemon=True)
            self._threads.append(thread)
            thread.start()
        return self._queues[name]

    def _work(self, queue: SimpleQueue[Job | None]) -> None:
        while (job := queue.get()) is not None and not self._stopping.is_set():
            job.state = "running"
            seen = Ingested(job.served.name)
            try:
                job.report = seen.report = self._ingest(job, seen.spans.append)
                job.state = "done"
            except Exception as error:
                seen.error = error
                job.state, job.error = "failed", _sentence(error)
            self.observe(seen)

    def _ingest(self, job: Job, on_step: Callable[[Span], None]) -> IngestReport:
        def progress(told: Progress) -> None:
            job.done, job.total = told.done, told.total
            if self._stopping.is_set():
                raise Cancelled("The server is stopping; the rest is taken up at its next start.")

        with job.served.borrowed(job.client) as pipeline:
            paths = [str(each) for each in job.paths]
            return pipeline.ingest(paths, on_progress=progress, on_step=on_step)

    def _forget(self) -> None:
        ended = [each.id for each in self._jobs.values() if each.state in ("done", "failed")]
        for each in ended[: max(0, len(ended) - _KEPT)]:
            del self._jobs[each]


def _sentence(error: Exception) -> str:
    if isinstance(error, RagbraidError):
        return refusal(error).message
    LOG.error("An ingest failed: %s", told(error), exc_info=error)
    return "The ingest failed. The server's log says why."
