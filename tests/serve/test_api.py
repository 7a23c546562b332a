"""ragbraid's own API: questions, uploads, documents, and what is wrong with a request."""

from __future__ import annotations

import io
import json
import socket
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image
from served import LEAVE, PIPELINE, QUESTION, ended, events, site, until, write

from ragbraid.pipeline.serving import Settings


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("site")).parent


@pytest.fixture(scope="module")
def http(folder: Path) -> Iterator[httpx.Client]:
    with site(folder / "ragbraid.yaml") as made:
        yield made


def problem(refused: httpx.Response, status: int) -> Any:
    told = refused.json()
    assert (refused.status_code, told["status"]) == (status, status), refused.text
    assert refused.headers["content-type"] == "application/problem+json"
    return told


def upload(http: httpx.Client, name: str, content: bytes, **fields: str) -> Any:
    begun = http.post("/api/ingest", files={"files": (name, content)}, data=fields)
    assert begun.status_code == 202, begun.text
    return ended(http, begun.json())


def sources(http: httpx.Client) -> list[str]:
    return [each["source"] for each in http.get("/api/sources").json()["sources"]]


def test_a_stream_ends_in_the_answer_that_comes_without(http: httpx.Client) -> None:
    whole = http.post("/api/ask", json={"question": QUESTION}).json()
    told = events(http.post("/api/ask", json={"question": QUESTION, "stream": True}).text)
    assert [name for name, _ in told if name in ("answer", "error")] == ["answer"]
    assert (name := told[-1][0]) == "answer", name
    for each in (whole, told[-1][1]):
        each.pop("trace")
    assert whole == told[-1][1]
    assert "".join(each["text"] for name, each in told if name == "delta") == whole["text"]
    assert whole["schema"] == 1


def test_a_search_gives_each_stages_scores(http: httpx.Client) -> None:
    (hit,) = http.post("/api/search", json={"question": "leave", "k": 5}).json()["hits"]
    assert (hit["source"], hit["text"]) == ("docs/leave.md", LEAVE.strip())
    assert {"dense", "lexical", "rrf", "maxsim"} <= hit["scores"].keys()


def test_a_reranker_is_left_out_for_one_question(http: httpx.Client) -> None:
    flows = {each["name"]: each["rerankers"] for each in http.get("/api/graph").json()["flows"]}
    assert (flows["ask"], flows["search"], flows["ingest"]) == (["search.maxsim"], ["maxsim"], [])
    asked = {"question": "leave", "k": 1, "without": ["maxsim"]}
    (plain,) = http.post("/api/search", json=asked).json()["hits"]
    assert {"dense", "lexical", "rrf"} <= plain["scores"].keys()
    assert "maxsim" not in plain["scores"]
    for stream in (False, True):
        answered = http.post(
            "/api/ask", json={"question": QUESTION, "without": ["search.maxsim"], "stream": stream}
        )
        answer = events(answered.text)[-1][1] if stream else answered.json()
        assert "search.maxsim" not in [each["step"] for each in answer["trace"]]
        assert "14 months" in answer["text"]
    wrong = http.post("/api/search", json={**asked, "without": ["rrf"]})
    assert "no reranker 'rrf'" in problem(wrong, 422)["detail"]


def test_a_flow_that_takes_messages_takes_them_as_json(http: httpx.Client) -> None:
    told = {"messages": [{"role": "user", "content": "x"}]}
    assert http.post("/api/flows/talk", json={"inputs": told}).json()["output"]["schema"] == 1
    chat = http.post("/v1/chat/completions", json={"model": "talk", **told})
    assert chat.status_code == 200
    wrong = {"messages": [{"role": "usr", "content": "x"}]}
    assert (
        "inputs.messages.0.role"
        in problem(http.post("/api/flows/talk", json={"inputs": wrong}), 422)["detail"]
    )
    assert "inputs.messages" in problem(http.post("/api/flows/talk", json={"inputs": {}}), 422)["detail"]
    described = http.get("/openapi.json").json()["paths"]["/api/flows/talk"]["post"]["requestBody"]
    _, own = described["content"]["application/json"]["schema"]["allOf"]
    assert own["properties"]["inputs"]["required"] == ["messages"]


def test_an_upload_replaces_the_one_before_and_is_removed_with_its_file(
    http: httpx.Client, folder: Path
) -> None:
    for text in (b"Desks are booked for a day.", b"Desks are booked for a week."):
        job = upload(http, "report.md", text, metadata='{"lang": "en"}')
        assert (job["state"], job["sources"]) == ("done", ["uploads/report.md"])
    assert sources(http) == ["docs/leave.md", "uploads/report.md"]
    found = http.post("/api/search", json={"question": "desks", "filter": {"lang": "en"}}).json()["hits"]
    assert [(each["source"], each["text"]) for each in found] == [
        ("uploads/report.md", "Desks are booked for a week.")
    ]
    gone = http.delete("/api/documents/uploads/report.md")
    assert gone.json() == {"removed": ["uploads/report.md"]}
    assert sources(http) == ["docs/leave.md"]
    assert list((folder / "uploads").iterdir()) == []
    problem(http.delete("/api/documents/uploads/report.md"), 404)


def test_what_is_purged_leaves_no_byte_in_the_index(http: httpx.Client, folder: Path) -> None:
    word = b"quetzalcoatl"

    def kept() -> list[str]:
        files = [each for each in (folder / "index").rglob("*") if each.is_file()]
        return [each.name for each in files if word in each.read_bytes().lower()]

    upload(http, "god.md", b"Quetzalcoatl is a feathered serpent.")
    assert kept()
    gone = http.delete("/api/documents/uploads/god.md", params={"purge": True})
    assert gone.json() == {"removed": ["uploads/god.md"]}
    assert kept() == []
    assert not (folder / "uploads" / "god.md").exists()


def test_a_zip_bomb_is_told_and_the_server_goes_on(http: httpx.Client) -> None:
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as made:
        made.writestr("word/document.xml", b"<document/>")
        made.filelist[0].file_size = 1 << 30  # as its directory has it: a real one would take long to make
    report = upload(http, "bomb.docx", bomb.getvalue())["report"]
    ((source, reason),) = [each.values() for each in report["failed"]]
    assert source == "uploads/bomb.docx"
    assert "larger than" in reason
    assert http.post("/api/search", json={"question": "leave"}).status_code == 200
    http.delete("/api/documents/uploads/bomb.docx")


def test_a_name_makes_no_header_of_its_own(http: httpx.Client) -> None:
    name = "x%0d%0aSet-Cookie:%20a=b"
    for answered in (
        http.get(f"/api/documents/{name}"), http.get(f"/v1/models/{name}"), http.get(f"/page/{name}"),
        http.delete(f"/api/documents/{name}"),
    ):  # fmt: skip
        assert answered.status_code == 404
        assert "set-cookie" not in answered.headers


def test_removing_what_was_not_uploaded_leaves_the_file(http: httpx.Client, folder: Path) -> None:
    (folder / "kept.md").write_text("Kept.", "utf-8")
    with_file = {"files": ("kept.md", b"Kept.")}
    ended(http, http.post("/api/ingest", files=with_file).json())
    http.delete("/api/documents/uploads/kept.md")
    assert (folder / "kept.md").exists()
    assert not (folder / "uploads" / "kept.md").exists()


@pytest.mark.parametrize(
    "name",
    ["../out.txt", "/abs.txt", "a/../../b.txt", "..\\w.txt", "x\x00.txt", "..", ".hidden", "", " ", "nul.txt",
     "_meta.yaml", "x.md.meta.yaml", "ragbraid.yaml", "x" * 300, "a\nb.txt"],
)  # fmt: skip
def test_an_uploads_name_means_no_other_place(http: httpx.Client, folder: Path, name: str) -> None:
    before = sorted(folder.parent.rglob("*"))
    body = (
        b'--x\r\nContent-Disposition: form-data; name="files"; filename="'
        + name.encode() + b'"\r\n\r\nhello\r\n--x--\r\n'
    )  # fmt: skip
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    refused = http.post("/api/ingest", content=body, headers=headers)
    assert refused.status_code in (400, 422), refused.text
    rows = http.post("/api/ingest/rows", json={"rows": [{"id": f"../{name}", "text": "x"}]})
    assert rows.status_code in (400, 422)
    assert sorted(each for each in folder.parent.rglob("*") if ".db" not in each.name) == [
        each for each in before if ".db" not in each.name
    ]


def test_rows_keep_lists_large_numbers_and_dates(http: httpx.Client) -> None:
    metadata = {"tags": ["a", "b"], "n": {"k": 1}, "id": 2**60 + 7, "when": {"$date": "2024-01-31"}}
    rows = [{"id": "row", "text": "Cafeteria opens at noon.", "metadata": metadata}]
    assert ended(http, http.post("/api/ingest/rows", json={"rows": rows}).json())["state"] == "done"
    for wanted in ({"id": 2**60 + 7}, {"tags": {"$any": ["b"]}}, {"when": {"$lt": {"$date": "2025-01-01"}}}):
        (hit,) = http.post("/api/search", json={"question": "cafeteria", "filter": wanted}).json()["hits"]
        assert {key: hit["metadata"][key] for key in metadata} == metadata
    beyond = [{"id": "row", "text": "x", "metadata": {"id": 2**64}}]
    problem(http.post("/api/ingest/rows", json={"rows": beyond}), 400)
    problem(http.post("/api/ingest/rows", json={"rows": [{**rows[0], "metadata": {"source": "x"}}]}), 400)
    http.delete("/api/documents/uploads/row.txt")


def test_a_scan_without_text_is_told_and_not_stored(http: httpx.Client) -> None:
    pdf = io.BytesIO()
    Image.new("RGB", (300, 200), "white").save(pdf, "PDF")
    report = upload(http, "scan.pdf", pdf.getvalue())["report"]
    told = [*report["skipped"], *report["failed"]]
    assert [each["source"] for each in told] == ["uploads/scan.pdf"]
    assert "text" in told[0]["reason"]
    assert "uploads/scan.pdf" not in sources(http)
    http.delete("/api/documents/uploads/scan.pdf")


def test_words_in_angle_brackets_come_back_as_they_are(http: httpx.Client) -> None:
    upload(http, "tool.md", b"Run tool <input> --to <output>, a List<String>.")
    upload(http, "tool.html", b"<p>&lt;input&gt; &amp; caf&eacute;</p>")
    texts = [each["text"] for each in http.post("/api/search", json={"question": "input"}).json()["hits"]]
    assert any("<input> --to <output>, a List<String>" in each for each in texts)
    assert any("<input> & café" in each for each in texts)
    for name in ("tool.md", "tool.html"):
        http.delete(f"/api/documents/uploads/{name}")


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/api/ask", b"{", 400),
        ("/api/ask", b"\xff\xfe", 400),
        ("/api/ask", b"[" * 100_000, 400),
        ("/api/ask", b'{"question": 1}', 422),
        ("/api/ask", b'{"question": "x", "k": 3}', 422),
        ("/api/ask", b'{"question": ""}', 400),
        ("/api/ask", b'{"question": "x", "flow": "none"}', 404),
        ("/api/ask", b'{"question": "x", "filter": {"a": {"$foo": 1}}}', 400),
        ("/api/search", b'{"question": "x", "k": 0}', 422),
        ("/api/search", b'{"question": "x", "k": 1e400}', 422),
        ("/api/search", b'{"question": "x", "filter": {"a": NaN}}', 400),
        ("/api/nothing", b"{}", 404),
        ("/healthz", b"{}", 405),
    ],
)
def test_a_wrong_request_is_told_as_a_problem(
    http: httpx.Client, path: str, body: bytes, status: int
) -> None:
    problem(http.post(path, content=body, headers={"Content-Type": "application/json"}), status)


def test_a_pipelines_text_is_checked_without_reading_the_environment(http: httpx.Client) -> None:
    wrong = http.post("/api/check", json={"text": "ragbraid: 1\nserch: []\n"}).json()
    assert (wrong["valid"], wrong["problems"][0]["line"]) == (False, 2)
    assert http.post("/api/check", json={"text": PIPELINE}).json() == {"valid": True, "problems": []}
    secret = PIPELINE.replace("path: index", "path: '${HOME}'")
    assert http.post("/api/check", json={"text": secret}).json()["valid"] is True


def test_a_host_of_another_name_is_refused(http: httpx.Client) -> None:
    problem(http.get("/api/sources", headers={"Host": "evil.example"}), 421)
    assert http.get("/healthz", headers={"Host": "localhost:1"}).status_code == 200
    assert "default-src 'none'" in http.get("/healthz").headers["content-security-policy"]


def test_a_page_of_another_site_cannot_send_anything(http: httpx.Client) -> None:
    for origin in ("https://evil.example", "null", f"http://{http.base_url.host}:1"):
        problem(http.post("/api/ingest", files={"files": ("a.md", b"x")}, headers={"Origin": origin}), 403)
    own = f"http://{http.base_url.netloc.decode()}"
    assert http.post("/api/check", json={"text": PIPELINE}, headers={"Origin": own}).status_code == 200


def test_bodies_are_bounded_in_size_and_time(tmp_path: Path) -> None:
    with site(write(tmp_path), Settings(body_mb=0.001, body_timeout=0.3, upload_mb=0.002)) as http:
        problem(http.post("/api/ask", json={"question": "x" * 2000}), 413)
        streamed = http.post(
            "/api/ask", content=iter([b"x" * 600, b"x" * 600]), headers={"Content-Type": "application/json"}
        )
        problem(streamed, 413)
        problem(http.post("/api/ingest", files={"files": ("a.md", b"x" * 3000)}), 413)
        with socket.create_connection((http.base_url.host, http.base_url.port or 80)) as slow:
            head = "POST /api/ask HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9"
            slow.sendall(f"{head}\r\n\r\n{{".encode())
            assert b" 408 " in slow.recv(100)


def test_a_client_that_goes_away_stops_the_generation(tmp_path: Path) -> None:
    pipeline = PIPELINE.replace("testing/echo-generator", "testing/echo-generator, delay: 0.02")
    file = write(tmp_path, pipeline)
    (tmp_path / "docs" / "leave.md").write_text("word " * 2000, "utf-8")
    with site(file, Settings(running=1)) as http:
        upload(http, "long.md", b"Parental leave. " + b"word " * 2000)
        for stream in (True, False):
            asked = {"question": QUESTION, "stream": stream}
            with pytest.raises(httpx.ReadTimeout):
                http.post("/api/ask", json=asked, timeout=0.25)
            begun = time.monotonic()
            assert http.post("/api/search", json={"question": "leave"}).status_code == 200
            assert time.monotonic() - begun < 3  # the whole answer takes longer


def test_nothing_ingested_is_told(tmp_path: Path) -> None:
    (tmp_path / "ragbraid.yaml").write_text(PIPELINE, "utf-8")
    with site(tmp_path / "ragbraid.yaml") as http:
        problem(http.post("/api/ask", json={"question": "x"}), 409)
        assert problem(http.post("/api/ask", json={"question": "x", "stream": True}), 409)
        answered = http.post(
            "/v1/chat/completions", json={"model": "ask", "messages": [{"role": "user", "content": "x"}]}
        )
        assert (answered.status_code, answered.json()["error"]["code"]) == (409, "IndexMissing")
        assert http.get("/api/sources").json()["sources"] == []


def test_a_plug_ins_failure_is_told_without_its_words(tmp_path: Path) -> None:
    failing = (
        "- {type: maxsim, embedder: embedder}\n  - {type: ragbraid.testing:FailingStep, message: secret}"
    )
    file = write(tmp_path, PIPELINE.replace("- {type: maxsim, embedder: embedder}", failing))
    with site(file) as http:
        refused = http.post("/api/ask", json={"question": "leave"})
        assert "secret" not in json.dumps(problem(refused, 503))


def test_what_was_kept_and_not_ingested_is_taken_up_at_the_next_start(tmp_path: Path) -> None:
    file = write(tmp_path)
    (tmp_path / "uploads").mkdir()
    (tmp_path / "uploads" / "late.md").write_text("Late.", "utf-8")
    with site(file) as http:
        until(lambda: "uploads/late.md" in sources(http))
