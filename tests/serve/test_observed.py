"""What a server tells of itself: metrics as Prometheus reads them, traces as a collector receives them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from prometheus_client.parser import text_string_to_metric_families
from served import QUESTION, site, write

from ragbraid.pipeline.serving import Settings


@pytest.fixture
def collector() -> Iterator[tuple[str, list[Any]]]:
    """An OTLP receiver: its address, and the spans that it got."""
    spans: list[Any] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            import gzip

            body = self.rfile.read(int(self.headers["Content-Length"]))
            body = gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                spans.extend(span for scope in resource.scope_spans for span in scope.spans)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", spans
    server.shutdown()
    thread.join()
    server.server_close()


def test_metrics_count_requests_runs_steps_and_tokens(tmp_path: Path) -> None:
    with site(write(tmp_path)) as http:
        for _ in range(3):
            http.post("/api/ask", json={"question": QUESTION})
        http.post("/api/search", json={"question": QUESTION})
        http.get("/api/documents/nothing.md")
        told = http.get("/metrics")
    assert told.headers["content-type"].startswith("text/plain")
    samples = {
        (each.name, *sorted(each.labels.items())): each.value
        for family in text_string_to_metric_families(told.text)
        for each in family.samples
    }
    pipeline = ("pipeline", "hr")
    assert samples["ragbraid_runs_total", ("flow", "ask"), ("outcome", "answer"), pipeline] == 3
    assert samples["ragbraid_runs_total", ("flow", "search"), ("outcome", "answer"), pipeline] == 1
    assert samples["ragbraid_step_seconds_count", pipeline, ("step", "search.maxsim")] == 3
    assert samples["ragbraid_tokens_total", ("kind", "completion"), pipeline] > 0
    missing = (("method", "GET"), ("route", "/api/documents/{source:path}"), ("status", "404"))
    assert samples["ragbraid_requests_total", *missing] == 1
    assert samples["ragbraid_queue_waiting",] == samples["ragbraid_queue_running",] == 0
    assert "leave" not in told.text


@pytest.mark.parametrize("content", [False, True])
def test_a_question_is_a_trace_with_contents_only_if_wanted(
    content: bool, tmp_path: Path, collector: tuple[str, list[Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, spans = collector
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", url)
    monkeypatch.setenv("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT", str(content).lower())
    with site(write(tmp_path), Settings()) as http:
        http.post("/api/ask", json={"question": QUESTION})
        http.post("/api/ask", json={"question": "\u200b"})
    (root,) = [each for each in spans if each.name == "hr ask"]
    inside = [each for each in spans if each.parent_span_id == root.span_id]
    assert {"search.lexical", "search.maxsim", "compose"} <= {each.name for each in inside}
    for each in inside:
        assert each.trace_id == root.trace_id
        assert root.start_time_unix_nano <= each.start_time_unix_nano <= each.end_time_unix_nano
    told = {each.key: each.value for each in root.attributes}
    assert told["openinference.span.kind"].string_value == "CHAIN"
    assert told["gen_ai.usage.output_tokens"].int_value > 0
    assert ("input.value" in told) == content
    assert ("retrieval.documents.0.document.content" in told) == content
    kinds = {value.string_value for each in inside for value in [a.value for a in each.attributes]}
    assert {"LLM", "RETRIEVER"} <= kinds
    assert (b"parental" in b"".join(each.SerializeToString().lower() for each in spans)) == content
