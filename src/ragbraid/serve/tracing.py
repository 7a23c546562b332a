"""Runs as OpenTelemetry traces, where an endpoint is configured: times, tokens and scores, no contents.

Names follow OpenTelemetry's conventions for generative AI (1.37) and OpenInference, so that Phoenix, Langfuse
and Jaeger show them. What was asked, found and answered is in a trace only with `content`.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ragbraid.errors import MissingDependency
from ragbraid.serve.metrics import counted
from ragbraid.types import Answer, Event, Hit, Span

if TYPE_CHECKING:
    from opentelemetry.sdk.trace.export import SpanExporter

    from ragbraid.pipeline.pipeline import Pipeline
    from ragbraid.serve.jobs import Ingested

ENDPOINT = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
CONTENT = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"
"""OpenTelemetry's own variable for it: `true` has contents in the traces."""
_KINDS = {
    "embed": ("EMBEDDING", "embeddings"), "token_vectors": ("EMBEDDING", "embeddings"),
    "generate": ("LLM", "chat"), "stream": ("LLM", "chat"), "score": ("LLM", "chat"),
    "search_text": ("RETRIEVER", ""), "search_vector": ("RETRIEVER", ""),
}  # fmt: skip
"""Uses of components, by the method that was called: OpenInference's kind, and the operation's name."""

_MOST = 1000
"""How many steps of an ingest its trace has; there is one for each batch of documents."""


def from_environment() -> Tracing | None:
    """The tracing that the environment asks for. Raises `MissingDependency`."""
    if not any(os.environ.get(each) for each in ENDPOINT):
        return None
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    except ImportError:
        raise MissingDependency(
            "Traces need the package opentelemetry-exporter-otlp-proto-http.",
            "Install it with: pip install 'ragbraid[serve]'.",
        ) from None
    return Tracing(OTLPSpanExporter(), content=os.environ.get(CONTENT, "").lower() in ("1", "true"))


class Tracing:
    """Sends a trace for each run."""

    def __init__(self, exporter: SpanExporter, *, content: bool = False) -> None:
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor

        name = os.environ.get("OTEL_SERVICE_NAME", "ragbraid")
        self._provider = TracerProvider(resource=Resource.create({"service.name": name}))
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("ragbraid")
        self._content = content

    def run(
        self, pipeline: Pipeline, flow: str, inputs: Mapping[str, Any], began_ns: int, spans: Sequence[Span],
        last: Event | None, ended_ns: int,
    ) -> None:  # fmt: skip
        """Tell a run that ended. Spans count from its begin, in milliseconds."""
        failed = "Cancelled" if last is None else type(last.value).__name__ if last.kind == "error" else ""
        told = self._about_run(pipeline, flow, inputs, last)
        rerankers = pipeline.rerankers(flow)
        steps = [(each, _about_step(each, rerankers)) for each in spans]
        self._tell(f"{pipeline.name} {flow}", told, began_ns, steps, ended_ns, failed)

    def ingest(self, seen: Ingested) -> None:
        """Tell an ingest that ended: what it did in numbers, and its first steps' times."""
        told: dict[str, Any] = {
            "openinference.span.kind": "CHAIN",
            "ragbraid.pipeline": seen.pipeline,
            "ragbraid.flow": "ingest",
            **{f"ragbraid.ingest.{name}": many for name, many in counted(seen).items()},
        }
        steps = [(each, _about_step(each)) for each in seen.spans[:_MOST]]
        failed = "" if seen.error is None else type(seen.error).__name__
        self._tell(f"{seen.pipeline} ingest", told, seen.began_ns, steps, time.time_ns(), failed)

    def _tell(
        self, name: str, told: Mapping[str, Any], began_ns: int, steps: Sequence[tuple[Span, dict[str, Any]]],
        ended_ns: int, failed: str,
    ) -> None:  # fmt: skip
        from opentelemetry.trace import Status, StatusCode, set_span_in_context

        root = self._tracer.start_span(name, start_time=began_ns)
        root.set_attributes(dict(told))
        inside = set_span_in_context(root)
        for each, about in steps:
            start = began_ns + int(each.start_ms * 1e6)
            span = self._tracer.start_span(each.step, context=inside, start_time=start)
            span.set_attributes(about)
            span.end(start + int(each.ms * 1e6))
        if failed:
            root.set_attribute("error.type", failed)
            root.set_status(Status(StatusCode.ERROR))
        root.end(ended_ns)

    def close(self) -> None:
        """Send what is left."""
        self._provider.shutdown()

    def _about_run(
        self, pipeline: Pipeline, flow: str, inputs: Mapping[str, Any], last: Event | None
    ) -> dict[str, Any]:
        told: dict[str, Any] = {
            "openinference.span.kind": "CHAIN",
            "gen_ai.operation.name": "invoke_workflow",
            "ragbraid.pipeline": pipeline.name,
            "ragbraid.flow": flow,
            "ragbraid.models": pipeline.models(flow),
        }
        value = None if last is None else last.value
        hits = value.hits if isinstance(value, Answer) else value if isinstance(value, list) else ()
        for place, hit in enumerate(each for each in hits if isinstance(each, Hit)):
            told |= self._about_hit(f"retrieval.documents.{place}.document", hit)
        if isinstance(value, Answer):
            used = value.usage
            told |= {
                "gen_ai.usage.input_tokens": used.prompt_tokens,
                "gen_ai.usage.output_tokens": used.completion_tokens,
                "llm.token_count.prompt": used.prompt_tokens,
                "llm.token_count.completion": used.completion_tokens,
                "ragbraid.abstained": value.abstained,
                "ragbraid.confidence": value.confidence,
                "ragbraid.citations": len(value.citations),
            }
            if self._content:
                told["output.value"] = value.text
        if self._content and isinstance(inputs.get("question"), str):
            told["input.value"] = inputs["question"]
        return told

    def _about_hit(self, name: str, hit: Hit) -> dict[str, Any]:
        told: dict[str, Any] = {f"{name}.id": hit.id, f"{name}.score": hit.score}
        return {**told, f"{name}.content": hit.text} if self._content else told


def _about_step(span: Span, rerankers: Collection[str] = ()) -> dict[str, Any]:
    other = "RERANKER" if span.step in rerankers else "CHAIN"
    kind, operation = _KINDS.get(span.step.rpartition("/")[2], (other, ""))
    told: dict[str, Any] = {"openinference.span.kind": kind}
    if operation:
        told |= {"gen_ai.operation.name": operation, "gen_ai.provider.name": "ragbraid"}
    numbers = {name: each for name, each in span.notes.items() if isinstance(each, int | float)}
    return {**told, **({"ragbraid.notes": json.dumps(numbers)} if numbers else {})}
