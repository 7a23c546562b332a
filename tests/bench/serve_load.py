"""What `ragbraid serve` adds to a search, what open streams take, and how soon the page is there.

    python tests/bench/serve_load.py                              the server alone
    python tests/bench/serve_load.py --peers /tmp/venv/bin/python   beside Hayhooks and txtai's API

The pipeline searches this project's documentation by words, so that no model's time hides the server's. The
clients speak HTTP by hand over open connections; requests come at their times, whether those before are
answered or not, and each one's wait counts.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median, quantiles
from urllib.parse import quote

import peer_server
import psutil
import report

from ragbraid import Pipeline

ROOT = Path(__file__).resolve().parents[2]
PIPELINE = """\
ragbraid: 1
name: docs
components:
  index: {type: faiss, path: index}
  generator: {type: testing/echo-generator, delay: 0.05}
ingest:
  - {type: files}
  - {type: recursive-splitter, max_tokens: 220}
  - index
search:
  - {type: lexical, index: index, candidates: 30}
ask:
  - search
  - {type: compose, generator: generator, unsupported: keep}
"""
QUESTIONS = [
    "When is a source unchanged?", "Where do paths count from?", "How does ingest survive a crash?",
    "What does a citation hold?", "Which formats are read?", "How are filters written?",
    "What is kept in the index?", "How is a file checked?",
]  # fmt: skip
RATE, SECONDS, STREAMS = 100, 60, 200
Asked = Callable[[int], bytes]


class Connection:
    """One open connection, by hand: a client library would take longer than what is measured."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    @classmethod
    async def to(cls, port: int) -> Connection:
        return cls(*await asyncio.open_connection("127.0.0.1", port))

    async def ask(self, request: bytes) -> bytes:
        """The body of the reply. Raises `AssertionError` for any status but 200."""
        self._writer.write(request)
        head = await self._reader.readuntil(b"\r\n\r\n")
        assert b" 200 " in head.split(b"\r\n", 1)[0], head
        fields = dict(line.split(b": ", 1) for line in head.lower().split(b"\r\n")[1:-2])
        return await self._reader.readexactly(int(fields[b"content-length"]))

    async def begin(self, request: bytes) -> None:
        """Ask, and wait for the first words of a stream."""
        self._writer.write(request)
        await self._reader.readuntil(b"event: delta")

    def close(self) -> None:
        self._writer.close()


def request(method: str, path: str, body: object = None) -> bytes:
    sent = b"" if body is None else json.dumps(body).encode()
    head = f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(sent)}\r\n\r\n".encode() + sent


async def latencies(port: int, asked: Asked, seconds: float) -> tuple[list[float], list[float]]:
    """Milliseconds of each request from the moment that it was due, and how late each was sent.

    A request is late where the client itself was, or for want of a free connection.
    """
    free: asyncio.Queue[Connection] = asyncio.Queue()
    for _ in range(32):
        free.put_nowait(await Connection.to(port))
    taken: list[float] = []
    late: list[float] = []

    async def one(number: int, due: float) -> None:
        connection = await free.get()
        late.append((time.perf_counter() - due) * 1000)
        await connection.ask(asked(number))
        taken.append((time.perf_counter() - due) * 1000)
        free.put_nowait(connection)

    begun = time.perf_counter() + 0.05
    async with asyncio.TaskGroup() as group:
        for number in range(int(RATE * seconds)):
            due = begun + number / RATE
            await asyncio.sleep(max(0.0, due - time.perf_counter() - 0.0015))
            while time.perf_counter() < due:  # asyncio's timer is a millisecond late
                await asyncio.sleep(0)
            group.create_task(one(number, due))
    while not free.empty():
        free.get_nowait().close()
    return taken, late


async def streams(port: int, process: psutil.Process) -> tuple[int, float]:
    """How many streams are at work once each has given its first words, and the megabytes that they take."""
    before = process.memory_info().rss
    sent = request("POST", "/api/ask", {"question": QUESTIONS[0], "stream": True})
    held = [await Connection.to(port) for _ in range(STREAMS)]
    async with asyncio.timeout(30):
        await asyncio.gather(*(each.begin(sent) for each in held))
    asking = await Connection.to(port)
    told = (await asking.ask(request("GET", "/metrics"))).decode()
    grown = process.memory_info().rss - before
    for each in (*held, asking):
        each.close()
    return round(float(told.split("\nragbraid_queue_running ")[1].split()[0])), grown / 1e6


async def page(port: int) -> tuple[list[float], int]:
    """Milliseconds to the page's first byte, and the bytes of all that it loads."""
    connection, taken = await Connection.to(port), []
    for _ in range(50):
        begun = time.perf_counter()
        held = await connection.ask(request("GET", "/"))
        taken.append((time.perf_counter() - begun) * 1000)
    names = sorted(each.name for each in (ROOT / "src/ragbraid/serve/page/static").iterdir())
    bodies = [await connection.ask(request("GET", f"/page/{each}")) for each in names if each != "index.html"]
    connection.close()
    return taken, len(held) + sum(map(len, bodies))


@contextmanager
def served(file: Path) -> Iterator[tuple[int, psutil.Process]]:
    command = [sys.executable, "-m", "ragbraid", "serve", "-p", str(file), "--port", "0", "--json"]
    env = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    with subprocess.Popen(
        [*command, "--running", str(STREAMS)], stdout=subprocess.PIPE, text=True, env=env
    ) as started:
        assert started.stdout is not None
        port = int(json.loads(started.stdout.readline())["url"].rpartition(":")[2])
        asyncio.run(ready(port, lambda _: request("GET", "/readyz")))
        yield port, psutil.Process(started.pid)
        started.terminate()


async def ready(port: int, asked: Asked) -> None:
    """Wait until it answers, and let it warm up."""
    for _ in range(600):
        try:
            connection = await Connection.to(port)
            await connection.ask(asked(0))
            connection.close()
            return
        except (OSError, AssertionError, asyncio.IncompleteReadError):
            await asyncio.sleep(0.1)
    raise SystemExit("A server never answered.")


def row(name: str, taken: list[float]) -> list[str]:
    cut = quantiles(taken, n=100)
    return [name, f"{median(taken):.2f}", f"{cut[98]:.2f}", f"{max(taken):.2f}"]


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


def own(pipeline: Pipeline) -> list[float]:
    taken = []
    for number in range(100 + RATE * SECONDS):
        begun = time.perf_counter()
        pipeline.search(QUESTIONS[number % len(QUESTIONS)])
        taken.append((time.perf_counter() - begun) * 1000)
        time.sleep(1 / RATE / 4)
    return taken[100:]


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--peers", type=Path, help="a Python that has hayhooks and txtai")
    peers = options.parse_args().peers
    report.header("Server", ["ragbraid", "fastapi", "uvicorn"])
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        file = folder / "docs.yaml"
        file.write_text(PIPELINE, "utf-8")
        with Pipeline.load(file, allow=["ragbraid.testing"]) as pipeline:
            pipeline.ingest([ROOT / "docs"])
            alone = own(pipeline)
            texts = [hit.text for each in QUESTIONS for hit in pipeline.search(each, k=200)]
        rows = [row("in Python, no server", alone)]

        def search(number: int) -> bytes:
            return request("POST", "/api/search", {"question": QUESTIONS[number % len(QUESTIONS)]})

        with served(file) as (port, process):
            asyncio.run(latencies(port, search, 2))
            taken, late = asyncio.run(latencies(port, search, SECONDS))
            rows += [row("ragbraid serve", taken), row("of which: late to be sent", late)]
            first, weight = asyncio.run(page(port))
            begun, grown = asyncio.run(streams(port, process))
        for peer, path in _peers(peers, file, texts, folder):
            with peer as (port, asked):
                asyncio.run(ready(port, asked))
                asyncio.run(latencies(port, asked, 2))
                rows.append(row(path, asyncio.run(latencies(port, asked, SECONDS))[0]))
        report.table([f"a search at {RATE} requests/s", "median ms", "99 % ms", "most ms"], rows)
        report.verdict("Added to a search, median", median(taken) - median(alone), 2, " ms")
        report.verdict(
            "Added to a search, 99 %", quantiles(taken, n=100)[98] - quantiles(alone, n=100)[98], 5, " ms"
        )
        report.verdict(f"{STREAMS} open streams, those at work", begun, STREAMS, at_least=True)
        report.verdict(f"{STREAMS} open streams, memory", grown, 300, " MB")
        report.verdict("First byte of the page, median", median(first), 50, " ms")
        report.verdict("The page with all that it loads", weight / 1000, 150, " kB")


def _peers(python: Path | None, file: Path, texts: list[str], folder: Path) -> Iterator[tuple[object, str]]:
    if python is None:
        return

    @contextmanager
    def hayhooks() -> Iterator[tuple[int, Asked]]:
        port = free_port()
        with peer_server.hayhooks(python, file, folder, port) as path:
            yield port, lambda n: request("POST", path, {"question": QUESTIONS[n % len(QUESTIONS)]})

    @contextmanager
    def txtai() -> Iterator[tuple[int, Asked]]:
        port = free_port()
        with peer_server.txtai(python, texts, folder, port) as path:
            yield (
                port,
                lambda n: request("GET", f"{path}?limit=10&query={quote(QUESTIONS[n % len(QUESTIONS)])}"),
            )

    yield hayhooks(), "Hayhooks, the same pipeline by ragbraid-haystack"
    yield txtai(), "txtai's API, its own index of the same texts"


if __name__ == "__main__":
    main()
