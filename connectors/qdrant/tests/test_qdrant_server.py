"""What a server that is away, old, or refuses is told as, against one that answers by a script."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from ragbraid_qdrant import Qdrant

from ragbraid.errors import IndexMissing, IndexStoreError, RagbraidError
from ragbraid.secret import Secret
from ragbraid.testing.index import EMBEDDER, change

KEY = "geheim"
Answer = tuple[int, Any]


class Scripted:
    """A server whose answers `answer` gives; `asked` are the paths."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.answer: Callable[[str], Answer] = lambda path: (200, {"result": {"exists": False}})
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                outer.asked.append(self.path)
                status, told = outer.answer(self.path)
                body = json.dumps(told).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_POST = do_PUT = do_GET  # noqa: N815

            def log_message(self, *given: Any) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"


@pytest.fixture
def scripted() -> Iterator[Scripted]:
    found = Scripted()
    thread = threading.Thread(target=found.server.serve_forever)
    thread.start()
    yield found
    found.server.shutdown()
    found.server.server_close()
    thread.join()


def told(url: str, ask: Callable[[Any], object], kind: type[RagbraidError]) -> str:
    """What is said, which is a sentence and no secret."""
    index = Qdrant(Secret(url), EMBEDDER, Secret(KEY), timeout=2).open()
    with pytest.raises(kind) as error:
        ask(index)
    index.close()
    text = str(error.value)
    assert KEY not in text
    assert text.endswith(".")
    return text


def test_a_server_that_is_away() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    assert "can't be reached" in told(url, lambda index: index.count(), IndexStoreError)


def test_an_empty_server(scripted: Scripted) -> None:
    assert "nothing has been ingested" in told(scripted.url, lambda index: index.count(), IndexMissing)


def test_a_server_that_is_too_busy_for_a_while(scripted: Scripted) -> None:
    def answer(path: str) -> Answer:
        busy = len(scripted.asked) < 3
        return (503, {"status": {"error": "busy"}}) if busy else (200, {"result": {"exists": False}})

    scripted.answer = answer
    assert "nothing has been ingested" in told(scripted.url, lambda index: index.count(), IndexMissing)
    assert len(scripted.asked) == 3


@pytest.mark.parametrize("code", [401, 403])
def test_a_key_that_isnt_let_in(scripted: Scripted, code: int) -> None:
    scripted.answer = lambda path: (code, {"status": {"error": f"{KEY} may not"}})
    text = told(scripted.url, lambda index: index.count(), IndexStoreError)
    assert "doesn't allow that" in text
    assert "*** may not" in text


def test_a_server_that_is_too_old(scripted: Scripted) -> None:
    def answer(path: str) -> Answer:
        if path.startswith("/collections"):
            return 200, {"result": {"exists": False}}
        return 200, {"title": "qdrant", "version": "1.13.4"}

    scripted.answer = answer
    text = told(scripted.url, lambda index: index.upsert([change("a", ["goat"])]), IndexStoreError)
    assert "Qdrant 1.13.4; 1.16 or newer" in text
