"""Who is let in, to do what, and how often."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from served import PIPELINE, QUESTION, client, ended, serving, site, until, write

from ragbraid import Pipeline
from ragbraid.errors import InputError
from ragbraid.pipeline.engine import Engine
from ragbraid.serve.app import build
from ragbraid.serve.keys import add, read
from ragbraid.serve.settings import Settings


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    return tmp_path / "keys.yaml"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return write(tmp_path / "site")


def asked(url: str, key: str | None, path: str = "/api/ask", **headers: str) -> httpx.Response:
    given = headers if key is None else {"Authorization": f"Bearer {key}", **headers}
    return httpx.post(f"{url}{path}", json={"question": QUESTION}, headers=given, timeout=30)


@pytest.fixture
def served(file: Path, keys: Path) -> Iterator[Any]:
    """Starts a server for the keys."""
    with serving(build([Pipeline.load(file, engine=Engine())], Settings(keys=keys))) as url:
        yield url


def test_a_key_is_kept_as_its_hash_and_may_do_what_its_entry_says(file: Path, keys: Path) -> None:
    asks = add(keys, "asks", flows=["ask"])
    every = add(keys, "every")
    assert asks not in keys.read_text()
    assert keys.stat().st_mode & 0o077 == 0
    with serving(build([Pipeline.load(file, engine=Engine())], Settings(keys=keys))) as url:
        assert asked(url, None).status_code == 401
        assert asked(url, "rb-wrong").status_code == 401
        assert asked(url, None, **{"X-API-Key": asks}).status_code == 200
        assert asked(url, asks).status_code == 200
        assert asked(url, asks, "/api/search").status_code == 403
        assert asked(url, every, "/api/search").status_code == 200
        assert httpx.get(f"{url}/readyz").status_code in (200, 503)
        wrong = httpx.get(f"{url}/v1/models", headers={"Authorization": "Bearer x"})
        assert (wrong.status_code, wrong.json()["error"]["type"]) == (401, "authentication_error")
        listed = httpx.get(f"{url}/v1/models", headers={"Authorization": f"Bearer {asks}"}).json()
        assert [each["id"] for each in listed["data"]] == ["ask"]


def test_a_revoked_and_an_expired_key_are_refused_without_a_restart(file: Path, keys: Path) -> None:
    old = add(keys, "old", expires="2020-01-01")
    key = add(keys, "leaver")
    with serving(build([Pipeline.load(file, engine=Engine())], Settings(keys=keys))) as url:
        assert asked(url, old).status_code == 401
        assert asked(url, key).status_code == 200
        keys.write_text("keys: [", "utf-8")  # a slip: what held before holds on
        until(lambda: asked(url, key).status_code == 200)
        keys.write_text("keys: []\n", "utf-8")
        until(lambda: asked(url, key).status_code == 401)


def test_a_rate_is_kept_and_told(file: Path, keys: Path) -> None:
    key, other = add(keys, "fast", per_minute=3), add(keys, "other")
    with serving(build([Pipeline.load(file, engine=Engine())], Settings(keys=keys))) as url:
        answers = [asked(url, key) for _ in range(5)]
        assert [each.status_code for each in answers] == [200, 200, 200, 429, 429]
        assert 1 <= int(answers[-1].headers["Retry-After"]) <= 60
        assert asked(url, other).status_code == 200


def test_beyond_the_queue_and_a_keys_own_share_one_is_told_to_come_again(tmp_path: Path, keys: Path) -> None:
    file = write(
        tmp_path / "slow", PIPELINE.replace("testing/echo-generator", "testing/echo-generator, delay: 0.05")
    )
    share = add(keys, "share", concurrency=2)
    plain = add(keys, "plain")
    settings = Settings(keys=keys, running=1, waiting=3)
    with serving(build([Pipeline.load(file, engine=Engine())], settings)) as url:
        found: list[tuple[str, httpx.Response]] = []

        def ask(name: str, key: str) -> None:
            found.append((name, asked(url, key)))

        threads = [threading.Thread(target=ask, args=each) for each in [("share", share)] * 4]
        threads += [threading.Thread(target=ask, args=each) for each in [("plain", plain)] * 8]
        for each in threads:
            each.start()
        for each in threads:
            each.join(30)
        statuses = {
            name: sorted(each.status_code for n, each in found if n == name) for name in ("share", "plain")
        }
        assert set(statuses["share"]) <= {200, 429, 503}
        assert statuses["share"].count(200) <= 2
        assert 503 in statuses["plain"]
        assert len(found) == 12
        assert all("Retry-After" in each.headers for _, each in found if each.status_code != 200)


def test_the_audit_log_tells_who_asked_and_nothing_of_what(file: Path, keys: Path, tmp_path: Path) -> None:
    key, log = add(keys, "hr"), tmp_path / "audit.jsonl"
    with serving(build([Pipeline.load(file, engine=Engine())], Settings(keys=keys, audit=log))) as url:
        answered = asked(url, key)
        asked(url, "rb-wrong")
        headers = {"Authorization": f"Bearer {key}"}
        httpx.get(f"{url}/api/documents/docs/leave.md?highlight=0-4", headers=headers)
    lines = [json.loads(each) for each in log.read_text().splitlines()]
    told = [(each["client"], each["method"], each["route"], each["status"]) for each in lines]
    assert told == [
        ("hr", "POST", "/api/ask", 200), ("", "POST", "", 401),
        ("hr", "GET", "/api/documents/{source:path}", 200),
    ]  # fmt: skip
    assert lines[0]["id"] == answered.headers["X-Request-Id"]
    for secret in (key, "rb-wrong", "parental", "leave"):
        assert secret not in log.read_text()


def test_a_file_of_keys_that_is_wrong_is_told_without_its_contents(keys: Path) -> None:
    for text in ("- 1", "keys: 3", "keys: [{name: A, sha256: secret}]", "keys: [{name: a, sha256: secret}]"):
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


def test_no_other_site_may_ask_from_a_browser_unless_it_is_named(file: Path) -> None:
    wanted = {"Origin": "https://app.example", "Access-Control-Request-Method": "POST"}
    for origins in ((), ("https://app.example",)):
        with site(file, Settings(origins=origins)) as http:
            allowed = http.options("/api/ask", headers=wanted).headers.get("access-control-allow-origin")
            assert allowed == (origins[0] if origins else None)


def test_uploads_of_one_are_no_jobs_of_another(file: Path, keys: Path) -> None:
    first, second = add(keys, "a"), add(keys, "b")
    with (
        serving(build([Pipeline.load(file, engine=Engine())], Settings(keys=keys))) as url,
        client(url, Authorization=f"Bearer {first}") as one,
        client(url, Authorization=f"Bearer {second}") as two,
    ):
        job = one.post("/api/ingest", files={"files": ("a.md", b"A.")}).json()
        assert ended(one, job)["sources"] == ["uploads/a/a.md"]
        assert two.get(f"/api/jobs/{job['id']}").status_code == 404
