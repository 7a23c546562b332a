"""What is told of each run: to the metrics, and to a collector of traces where there is one."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ragbraid.pipeline.pipeline import Pipeline
from ragbraid.serve.jobs import Ingested
from ragbraid.serve.metrics import Metrics
from ragbraid.serve.tracing import Tracing
from ragbraid.types import Answer, Event, Span


@dataclass(frozen=True, slots=True)
class Observers:
    """Who is told."""

    metrics: Metrics
    tracing: Tracing | None = None

    def ingested(self, seen: Ingested) -> None:
        """An ingest ended."""
        self.metrics.ingest(seen)
        if self.tracing is not None:
            self.tracing.ingest(seen)

    def begin(self, pipeline: Pipeline, flow: str, inputs: Mapping[str, Any]) -> Observed:
        """A run begins."""
        return Observed(self, pipeline, flow, inputs)


@dataclass(slots=True)
class Observed:
    """A run as it is seen from outside, event by event."""

    observers: Observers
    pipeline: Pipeline
    flow: str
    inputs: Mapping[str, Any]
    began_ns: int = field(default_factory=time.time_ns)
    spans: list[Span] = field(default_factory=list)
    last: Event | None = None

    def see(self, event: Event) -> None:
        """An event came."""
        if event.kind == "step":
            self.spans.append(event.value)
        elif event.kind in ("answer", "error"):
            self.last = event

    def end(self) -> None:
        """The run is over, or was given up."""
        value = None if self.last is None else self.last.value
        spans = value.trace if isinstance(value, Answer) else self.spans
        self.observers.metrics.run(self.pipeline.name, self.flow, spans, self.last)
        if self.observers.tracing is not None:
            self.observers.tracing.run(
                self.pipeline, self.flow, self.inputs, self.began_ns, spans, self.last, time.time_ns()
            )
