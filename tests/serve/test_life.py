"""A server's life: changed files, signals, kills, and clients that come and go all the while."""

from __future__ import annotations

import random
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from served import PIPELINE, QUESTION, TLS, Process, client, events, process, site, until, write

from ragbraid import Pipeline
from ragbraid.cli.serve import command
from ragbraid.errors import InputError
from ragbraid.pipeline.engine import Engine
from soaking import FULL, count

SLOW = PIPELINE.replace("testing/echo-generator", "testing/echo-generator, delay: 0.05")


def last_step(http: httpx.Client) -> Any:
    return http.post("/api/ask", json={"question": QUESTION}).json()["trace"][-1]["step"]


def test_a_changed_file_is_taken_up_once_it_is_right(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = write(tmp_path)
    with site(file, watch=True) as http:
        assert last_step(http) == "compose"
        file.write_text(PIPELINE.replace("compose", "composed"), "utf-8")  # wrong: the one before goes on
        until(lambda: "isn't taken" in caplog.text)
        assert "did you mean" in caplog.text
        assert last_step(http) == "compose"
        file.write_text(PIPELINE.replace("{type: compose, generator: generator}", "{type: quote}"), "utf-8")
        until(lambda: last_step(http) == "quote")


def test_a_stopped_server_ends_what_runs_or_hands_it_back(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    rules = "".join(f"Rule {number} is rule {number}.\n" for number in range(60))
    (tmp_path / "docs" / "rules.md").write_text(f"---\nlang: en\n---\n{rules}", "utf-8")
    file = write(tmp_path, SLOW + "serve: {stop: 4}\n")
    short = {"question": QUESTION, "filter": {"lang": {"$exists": False}}}
    long = {"question": "Which rule is rule 1?"}
    questions = {"short": short, "whole": long, "stream": {**long, "stream": True}}
    told: dict[str, httpx.Response] = {}

    def ask(name: str) -> None:
        with client(served.url) as asking:
            told[name] = asking.post("/api/ask", json=questions[name])

    with process(file) as served, client(served.url) as http:
        until(lambda: http.get("/readyz").status_code == 200)
        asking = [threading.Thread(target=ask, args=(name,)) for name in questions]
        for each in asking:
            each.start()
        until(lambda: "ragbraid_queue_running 3.0" in http.get("/metrics").text)
        stopping = time.monotonic()
        assert served.stop() == 0
        assert time.monotonic() - stopping < 15
        for each in asking:
            each.join()
    assert told["short"].json()["text"].startswith("Parental leave")
    assert (told["whole"].status_code, "stopping" in told["whole"].json()["detail"]) == (503, True)
    name, last = events(told["stream"].text)[-1]
    assert (name, "stopping" in last["detail"]) == ("error", True)


def test_what_was_acknowledged_survives_kills(tmp_path: Path) -> None:
    file, chance = write(tmp_path), random.Random(3)
    acknowledged: set[str] = set()
    for round_ in range(count(1, 20)):
        with process(file) as served, client(served.url) as http:
            for number in range(chance.randrange(3, 12)):
                rows = [{"id": f"r{round_}-{number}", "text": f"Row {number} of round {round_}."}]
                if http.post("/api/ingest/rows", json={"rows": rows}).status_code == 202:
                    acknowledged.add(f"uploads/r{round_}-{number}.txt")
            served.stop(signal.SIGKILL)
    with process(file) as served, client(served.url) as http:

        def stored() -> set[str]:
            return {each["source"] for each in http.get("/api/sources").json()["sources"]}

        until(lambda: acknowledged <= stored())
        assert served.stop() == 0
    with Pipeline.load(file, engine=Engine()) as pipeline:
        assert pipeline.upkeep().check() == []
        assert acknowledged <= {each.source for each in pipeline.sources()}


@pytest.fixture(scope="module")
def lasting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    """A server for several tests, which then stops as it should."""
    slow = PIPELINE.replace("testing/echo-generator", "testing/echo-generator, delay: 0.002")
    bounds = "serve: {body_timeout: 4, running: 4, waiting: 16}\n"
    # Of 600 open files half are for connections.
    with process(
        write(tmp_path_factory.mktemp("lasting"), slow + bounds), handles=None if FULL else 600
    ) as served:
        with client(served.url) as http:
            until(lambda: http.get("/readyz").status_code == 200)
        yield served
        assert served.stop() == 0


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no ulimit")
def test_silent_connections_neither_stall_the_server_nor_last(lasting: Process) -> None:
    with client(lasting.url) as http, ExitStack() as held:
        address = (http.base_url.host, http.base_url.port or 80)

        def open_more(many: int) -> socket.socket:
            for number in range(many):
                silent = held.enter_context(socket.create_connection(address, timeout=30))
                if number % 2:
                    silent.sendall(b"GET /healthz HTTP/1.1\r\nHost: local")
            return silent

        silent = open_more(count(330, 10_000))
        while (refused := http.get("/api/sources")).status_code == 200:  # the first have ended already
            open_more(50)
        assert http.get("/healthz").status_code == 200
        assert (refused.status_code, refused.json()["code"]) == (503, "too_many_connections")
        assert refused.headers["content-type"] == "application/problem+json"
        assert int(refused.headers["retry-after"]) >= 1
        told = http.get("/v1/models").json()["error"]
        assert (told["type"], told["code"]) == ("server_error", "too_many_connections")
        until(lambda: http.get("/api/sources").status_code == 200, 60)
        assert silent.recv(1) == b""  # the server has closed it


def test_clients_that_come_and_go_leave_nothing_behind(lasting: Process) -> None:
    """Mixed load, with clients killed in the middle, for a second, or half an hour."""
    served, seconds = lasting, count(0.6, 1800)
    with client(served.url) as http:
        load(served.url, seconds / 2)  # by then each thread has its connection to the index
        server = psutil.Process(served.process.pid)
        before = server.num_fds(), server.num_threads(), server.memory_info().rss
        statuses = load(served.url, seconds / 2)
        assert statuses <= {200, 202, 404, 429, 503}, statuses
        until(lambda: http.get("/api/search").status_code == 405)
        until(lambda: server.num_fds() <= before[0] + 24)
        assert server.num_threads() <= before[1] + 40
        assert server.memory_info().rss < before[2] + 100e6
        assert http.post("/api/ask", json={"question": QUESTION}).status_code == 200


def load(url: str, seconds: float) -> set[int]:
    """Ask, search, upload and read from several threads for a while; returns the statuses that came."""
    end, statuses = time.monotonic() + seconds, set[int]()

    def work(seed: int) -> None:
        chance = random.Random(seed)
        with httpx.Client(base_url=url, timeout=20, verify=TLS) as http:
            while time.monotonic() < end:
                statuses.add(one(http, chance))

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(6)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    return statuses - {0}


def one(http: httpx.Client, chance: random.Random) -> int:
    """A request of some kind; 0 for one whose client went away."""
    question = {"question": QUESTION}
    match chance.randrange(5):
        case 0:
            return http.post("/api/search", json=question).status_code
        case 1:
            return http.post("/api/ask", json=question).status_code
        case 2:
            with http.stream("POST", "/api/ask", json={**question, "stream": True}) as answered:
                for _ in zip(range(chance.randrange(4)), answered.iter_lines(), strict=False):
                    pass
                return answered.status_code
        case 3:
            rows = [{"id": f"r{chance.randrange(20)}", "text": f"Row {chance.random()}"}]
            return http.post("/api/ingest/rows", json={"rows": rows}).status_code
        case _:
            return http.delete(f"/api/documents/uploads/r{chance.randrange(20)}.txt").status_code


def test_a_taken_port_and_an_open_door_are_told(hr: httpx.Client, hr_file: Path, tmp_path: Path) -> None:
    for options, words in [
        ({"port": hr.base_url.port}, "can't listen.*--port"), ({"host": "0.0.0.0"}, "without a key.*--keys"),
        ({"keys": tmp_path / "none.yaml"}, "can't be read"),
    ]:  # fmt: skip
        with pytest.raises(InputError, match=words):
            command([hr_file], **options)
