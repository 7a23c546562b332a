"""What Prometheus reads at /metrics."""

from __future__ import annotations

from collections.abc import Sequence

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from ragbraid.serve.jobs import Ingested, Jobs
from ragbraid.serve.queue import Queue
from ragbraid.types import Answer, Event, Span

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)

_COUNTS = ("new", "changed", "renamed", "unchanged", "removed", "chunks", "embedded")


class Metrics:
    """Counts of one server. Questions and documents aren't in it, nor names of keys."""

    def __init__(self, queue: Queue, jobs: Jobs) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "ragbraid_requests", "Requests by route and status.", ["method", "route", "status"],
            registry=self._registry,
        )  # fmt: skip
        self._seconds = Histogram(
            "ragbraid_request_seconds", "From a request's first byte to its reply's last.", ["route"],
            buckets=_SECONDS, registry=self._registry,
        )  # fmt: skip
        self._steps = Histogram(
            "ragbraid_step_seconds", "The time of a pipeline's step.", ["pipeline", "step"],
            buckets=_SECONDS, registry=self._registry,
        )  # fmt: skip
        self._runs = Counter(
            "ragbraid_runs", "Flows that ran, and how they ended.", ["pipeline", "flow", "outcome"],
            registry=self._registry,
        )  # fmt: skip
        self._tokens = Counter(
            "ragbraid_tokens", "The generator's tokens.", ["pipeline", "kind"], registry=self._registry
        )
        self._caches = Counter(
            "ragbraid_cache", "What the caches of answers knew.", ["pipeline", "step", "outcome"],
            registry=self._registry,
        )  # fmt: skip
        self._ingests = Counter(
            "ragbraid_ingests",
            "Ingests, and how they ended.",
            ["pipeline", "outcome"],
            registry=self._registry,
        )
        self._ingested = Counter(
            "ragbraid_ingested", "What ingests did: sources by their fate, chunks, texts embedded.",
            ["pipeline", "what"], registry=self._registry,
        )  # fmt: skip
        self._registry.register(_Now(queue, jobs))

    def request(self, method: str, route: str, status: int, seconds: float) -> None:
        """A request was answered."""
        self._requests.labels(method, route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def run(self, pipeline: str, flow: str, spans: Sequence[Span], last: Event | None) -> None:
        """A flow ended; without a last event it was given up."""
        for each in spans:
            self._steps.labels(pipeline, each.step).observe(each.ms / 1000)
            if (known := each.notes.get("cache")) in ("hit", "miss", "uncached"):
                self._caches.labels(pipeline, each.step, known).inc()
        outcome = "cancelled" if last is None else "error" if last.kind == "error" else "answer"
        answer = None if last is None else last.value
        if isinstance(answer, Answer):
            outcome = "abstained" if answer.abstained else outcome
            self._tokens.labels(pipeline, "prompt").inc(answer.usage.prompt_tokens)
            self._tokens.labels(pipeline, "completion").inc(answer.usage.completion_tokens)
        self._runs.labels(pipeline, flow, outcome).inc()

    def ingest(self, seen: Ingested) -> None:
        """An ingest ended."""
        for each in seen.spans:
            self._steps.labels(seen.pipeline, f"ingest.{each.step}").observe(each.ms / 1000)
        self._ingests.labels(seen.pipeline, "done" if seen.error is None else "failed").inc()
        for what, many in counted(seen).items():
            self._ingested.labels(seen.pipeline, what).inc(many)

    def text(self) -> bytes:
        """All of it, in Prometheus' text format."""
        return generate_latest(self._registry)


def counted(seen: Ingested) -> dict[str, int]:
    """What an ingest did, in numbers."""
    report = seen.report
    if report is None:
        return {}
    told = {name: getattr(report, name) for name in _COUNTS}
    return {**told, "skipped": len(report.skipped), "failed": len(report.failed)}


class _Now(Collector):
    """What holds at the moment that it is asked."""

    def __init__(self, queue: Queue, jobs: Jobs) -> None:
        self._queue, self._jobs = queue, jobs

    def collect(self) -> list[GaugeMetricFamily]:
        """The gauges."""
        return [
            GaugeMetricFamily("ragbraid_queue_waiting", "Requests that wait for a turn.", self._queue.depth),
            GaugeMetricFamily("ragbraid_queue_running", "Requests that are worked on.", self._queue.running),
            GaugeMetricFamily("ragbraid_jobs", "Ingests that wait or run.", self._jobs.waiting),
        ]
