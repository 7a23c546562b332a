"""Who is let in, to do what, and how often."""

from __future__ import annotations

import asyncio
import json
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from fastapi.testclient import TestClient
from served import PIPELINE, QUESTION, TLS, client, ended, serving, until, write

from ragbraid import Pipeline
from ragbraid.errors import InputError
from ragbraid.pipeline.engine import Engine
from ragbraid.pipeline.serving import Settings
from ragbraid.serve.app import build
from ragbraid.serve.keys import add, read
from ragbraid.serve.reload import EVERY


@dataclass(frozen=True)
class Guarded:
    """A server with keys: its address, their file, each key by its name, and the audit log."""

    url: str
    file: Path
    made: dict[str, str]
    log: Path


@pytest.fixture(scope="module")
def guarded(hr_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    folder = tmp_path_factory.mktemp("keys")
    rights: dict[str, Any] = {
        "asks": {"flows": ["ask"]}, "every": {}, "old": {"expires": "2020-01-01"}, "leaver": {},
        "fast": {"per_minute": 3}, "a": {}, "b": {},
    }  # fmt: skip
    file, log = folder / "keys.yaml", folder / "audit.jsonl"
    made = {name: add(file, name, **each) for name, each in rights.items()}
    shutil.copytree(hr_file.parent, folder / "site")
    pipeline = Pipeline.load(folder / "site" / "ragbraid.yaml", engine=Engine())
    with serving(build([pipeline], Settings(keys=file, audit=log))) as url:
        yield Guarded(url, file, made, log)


def asked(url: str, key: str | None, path: str = "/api/ask", **headers: str) -> httpx.Response:
    given = headers if key is None else {"Authorization": f"Bearer {key}", **headers}
    return httpx.post(f"{url}{path}", json={"question": QUESTION}, headers=given, timeout=30, verify=TLS)


def got(url: str, key: str) -> httpx.Response:
    return httpx.get(url, headers={"Authorization": f"Bearer {key}"}, verify=TLS)


def test_a_key_is_kept_as_its_hash_and_may_do_what_its_entry_says(guarded: Guarded) -> None:
    url, asks, every = guarded.url, guarded.made["asks"], guarded.made["every"]
    assert asks not in guarded.file.read_text()
    assert guarded.file.stat().st_mode & 0o077 == 0
    assert asked(url, None).status_code == 401
    assert asked(url, "rb-wrong").status_code == 401
    assert asked(url, None, **{"X-API-Key": asks}).status_code == 200
    assert asked(url, asks).status_code == 200
    assert asked(url, asks, "/api/search").status_code == 403
    assert asked(url, every, "/api/search").status_code == 200
    assert httpx.get(f"{url}/readyz", verify=TLS).status_code in (200, 503)
    wrong = got(f"{url}/v1/models", "x")
    assert (wrong.status_code, wrong.json()["error"]["type"]) == (401, "authentication_error")
    assert [each["id"] for each in got(f"{url}/v1/models", asks).json()["data"]] == ["ask"]


def test_a_revoked_and_an_expired_key_are_refused_without_a_restart(guarded: Guarded) -> None:
    url, leaver, text = guarded.url, guarded.made["leaver"], guarded.file.read_text()
    assert asked(url, guarded.made["old"]).status_code == 401
    assert asked(url, leaver).status_code == 200
    for slip in ("keys: [", "keys: [{expires: 2026-02-30}]", "keys: " + "[" * 5000):
        guarded.file.write_text(slip, "utf-8")  # what held before holds on
        time.sleep(2 * EVERY)
        assert asked(url, leaver).status_code == 200
    left = [each for each in yaml.safe_load(text)["keys"] if each["name"] != "leaver"]
    guarded.file.write_text(yaml.safe_dump({"keys": left}), "utf-8")
    until(lambda: asked(url, leaver).status_code == 401)


def test_a_rate_is_kept_and_told(guarded: Guarded) -> None:
    answers = [asked(guarded.url, guarded.made["fast"]) for _ in range(5)]
    assert [each.status_code for each in answers] == [200, 200, 200, 429, 429]
    assert 1 <= int(answers[-1].headers["Retry-After"]) <= 60
    assert asked(guarded.url, guarded.made["every"]).status_code == 200


async def test_beyond_the_queue_and_a_keys_own_share_one_is_told_to_come_again(tmp_path: Path) -> None:
    slow = PIPELINE.replace("testing/echo-generator", "testing/echo-generator, delay: 0.02")
    file, keys = write(tmp_path / "slow", slow), tmp_path / "keys.yaml"
    share, plain = add(keys, "share", concurrency=2), add(keys, "plain")
    app = build([Pipeline.load(file, engine=Engine())], Settings(keys=keys, running=1, waiting=3))

    async def ask(http: httpx.AsyncClient, key: str) -> httpx.Response:
        headers = {"Authorization": f"Bearer {key}"}
        return await http.post("/api/ask", json={"question": QUESTION}, headers=headers)

    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost", timeout=30) as http:
        found = await asyncio.gather(*(ask(http, each) for each in [share] * 4 + [plain] * 8))
    app.state.site.shelf.close(3.0)
    shares, plains = ([each.status_code for each in some] for some in (found[:4], found[4:]))
    assert sorted(shares) == [200, 200, 429, 429]
    assert sorted(plains) == [200] * 2 + [503] * 6
    assert all("Retry-After" in each.headers for each in found if each.status_code != 200)


def test_the_audit_log_tells_who_asked_and_nothing_of_what(guarded: Guarded) -> None:
    key = guarded.made["every"]
    replies = [
        asked(guarded.url, key), asked(guarded.url, "rb-wrong"),
        got(f"{guarded.url}/api/documents/docs/leave.md?highlight=0-4", key),
    ]  # fmt: skip
    # A line is written once its reply has gone out.
    until(lambda: all(each.headers["X-Request-Id"] in guarded.log.read_text() for each in replies))
    lines = {each["id"]: each for each in map(json.loads, guarded.log.read_text().splitlines())}
    noted = [lines[each.headers["X-Request-Id"]] for each in replies]
    assert [(each["client"], each["method"], each["route"], each["status"]) for each in noted] == [
        ("every", "POST", "/api/ask", 200), ("", "POST", "", 401),
        ("every", "GET", "/api/documents/{source:path}", 200),
    ]  # fmt: skip
    for secret in (key, "rb-wrong", "parental", "leave.md"):
        assert secret not in guarded.log.read_text()


def test_a_file_of_keys_that_is_wrong_is_told_without_its_contents(tmp_path: Path) -> None:
    keys = tmp_path / "keys.yaml"
    for text in (
        "- 1",
        "keys: 3",
        "keys: [{expires: 2026-02-30}]",
        "keys: !!int q",
        "keys: " + "[" * 5000,
        "keys: [{name: A, sha256: secret}]",
        "keys: [{name: a, sha256: secret}]",
    ):
        keys.write_text(text, "utf-8")
        with pytest.raises(InputError) as raised:
            read(keys)
        assert "secret" not in str(raised.value)
    keys.unlink()
    add(keys, "a")
    with pytest.raises(InputError, match="already"):
        add(keys, "a")
    with pytest.raises(InputError, match="filter"):
        add(keys, "b", filter={"x": {"$nope": 1}})
    with pytest.raises(InputError, match="expires"):
        add(keys, "b", expires="soon")
    assert [each["name"] for each in yaml.safe_load(keys.read_text())["keys"]] == ["a"]


def test_no_other_site_may_ask_from_a_browser_unless_it_is_named(hr_file: Path) -> None:
    wanted = {"Origin": "https://app.example", "Access-Control-Request-Method": "POST"}
    for origins in ((), ("https://app.example",)):
        app = build([Pipeline.load(hr_file, engine=Engine())], Settings(origins=origins))
        answered = TestClient(app, base_url="http://localhost").options("/api/ask", headers=wanted)
        allowed = answered.headers.get("access-control-allow-origin")
        assert allowed == (origins[0] if origins else None)


def test_uploads_of_one_are_no_jobs_of_another(guarded: Guarded) -> None:
    one, two = (client(guarded.url, Authorization=f"Bearer {guarded.made[each]}") for each in "ab")
    with one, two:
        job = one.post("/api/ingest", files={"files": ("a.md", b"A.")}).json()
        assert ended(one, job)["sources"] == ["uploads/a/a.md"]
        assert two.get(f"/api/jobs/{job['id']}").status_code == 404
