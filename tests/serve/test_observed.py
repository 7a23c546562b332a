"""What a server tells of itself: metrics as Prometheus reads them, traces as a collector receives them."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterator
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from prometheus_client.parser import text_string_to_metric_families
from served import PIPELINE, QUESTION, client, ended, serving, site, until, write

from ragbraid import Pipeline
from ragbraid.context import Context
from ragbraid.pipeline.engine import Engine
from ragbraid.pipeline.serving import Settings
from ragbraid.serve.app import build
from ragbraid.serve.logs import Lines
from ragbraid.types import Answer


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
        told, found = http.get("/metrics"), samples(http)
    assert told.headers["content-type"].startswith("text/plain")
    pipeline = ("pipeline", "hr")
    assert found["ragbraid_runs_total", ("flow", "ask"), ("outcome", "answer"), pipeline] == 3
    assert found["ragbraid_runs_total", ("flow", "search"), ("outcome", "answer"), pipeline] == 1
    assert found["ragbraid_step_seconds_count", pipeline, ("step", "search.maxsim")] == 3
    assert found["ragbraid_tokens_total", ("kind", "completion"), pipeline] > 0
    missing = (("method", "GET"), ("route", "/api/documents/{source:path}"), ("status", "404"))
    assert found["ragbraid_requests_total", *missing] == 1
    assert found["ragbraid_queue_waiting",] == found["ragbraid_queue_running",] == 0
    assert "leave" not in told.text


def remembered(answer: Answer, context: Context) -> Answer:
    """What a cache of answers tells of itself."""
    context.note("cache", "hit")
    return answer


def samples(http: httpx.Client) -> dict[tuple[Any, ...], float]:
    """Each sample's value, by its name and sorted labels."""
    return {
        (each.name, *sorted(each.labels.items())): each.value
        for family in text_string_to_metric_families(http.get("/metrics").text)
        for each in family.samples
    }


def test_ingests_and_caches_are_counted(tmp_path: Path) -> None:
    file = write(tmp_path)
    noting = "{type: compose, generator: generator}\n  - {type: test_observed:remembered, id: memory}"
    file.write_text(PIPELINE.replace("{type: compose, generator: generator}", noting), "utf-8")
    loaded = Pipeline.load(file, allow=["ragbraid.testing", "test_observed"], engine=Engine())
    with serving(build([loaded])) as url, client(url) as http:
        until(lambda: http.get("/readyz").status_code == 200)
        sent = {"rows": [{"id": "a", "text": "Desks are free."}, {"id": "b", "text": "Rooms are not."}]}
        ended(http, http.post("/api/ingest/rows", json=sent).json())
        http.post("/api/ask", json={"question": QUESTION})
        until(lambda: ("ragbraid_ingests_total", ("outcome", "done"), ("pipeline", "hr")) in samples(http))
        told = samples(http)
    pipeline = ("pipeline", "hr")
    assert told["ragbraid_ingested_total", pipeline, ("what", "new")] == 2
    assert told["ragbraid_ingested_total", pipeline, ("what", "embedded")] == 2
    assert told["ragbraid_step_seconds_count", pipeline, ("step", "ingest.recursive-splitter")] >= 1
    assert told["ragbraid_cache_total", ("outcome", "hit"), pipeline, ("step", "memory")] == 1


def test_an_ingest_is_a_trace_too(
    tmp_path: Path, collector: tuple[str, list[Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, spans = collector
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", url)
    with site(write(tmp_path)) as http:
        sent = {"rows": [{"id": "a", "text": "Desks are free."}]}
        ended(http, http.post("/api/ingest/rows", json=sent).json())
    (root,) = [each for each in spans if each.name == "hr ingest"]
    inside = [each for each in spans if each.parent_span_id == root.span_id]
    assert {"recursive-splitter", "index/embed", "index/upsert"} <= {each.name for each in inside}
    told = {each.key: each.value for each in root.attributes}
    assert (told["ragbraid.ingest.new"].int_value, told["ragbraid.ingest.chunks"].int_value) == (1, 1)
    assert b"Desks" not in b"".join(each.SerializeToString() for each in spans)


def test_a_log_line_is_a_json_object_where_that_is_wanted() -> None:
    try:
        raise OSError("no room")
    except OSError as error:
        found = (OSError, error, error.__traceback__)
    record = logging.LogRecord(
        "ragbraid.serve", logging.ERROR, "x.py", 1, "%s\nfailed", ("An ingest",), found
    )
    told = json.loads(Lines().format(record))
    assert (told["level"], told["logger"], told["message"]) == (
        "error",
        "ragbraid.serve",
        "An ingest\nfailed",
    )
    assert told["error"].endswith("OSError: no room")
    assert datetime.fromisoformat(told["time"]).tzinfo is not None


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
    (llm,) = [each for each in inside if b"LLM" in each.SerializeToString()]
    named = {each.key: each.value.string_value for each in llm.attributes}
    assert (named["gen_ai.operation.name"], named["gen_ai.provider.name"]) == ("chat", "ragbraid")
    assert "ragbraid.models" in told
    kinds = {value.string_value for each in inside for value in [a.value for a in each.attributes]}
    assert {"LLM", "RETRIEVER", "RERANKER", "EMBEDDING"} <= kinds
    assert (b"parental" in b"".join(each.SerializeToString().lower() for each in spans)) == content
