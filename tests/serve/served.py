"""A server for tests: in this process, or as a user runs it, in one of its own."""

from __future__ import annotations

import atexit
import json
import os
import shutil
import signal
import ssl
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from fastapi import FastAPI

from ragbraid import Pipeline
from ragbraid.pipeline.engine import Engine
from ragbraid.pipeline.serving import Settings
from ragbraid.serve.app import build
from ragbraid.serve.reload import Watched

ROOT = Path(__file__).resolve().parents[2]
PIPELINE = """\
ragbraid: 1
name: hr
components:
  embedder: {type: testing/hash-embedder}
  index: {type: faiss, path: index, embedder: embedder}
  generator: {type: testing/echo-generator}
fields: {when: date, id: int, tags: "list[str]", lang: str}
ingest:
  - {type: files}
  - {type: recursive-splitter, max_tokens: 220}
  - index
search:
  - {type: dense, index: index, candidates: 30}
  - {type: lexical, index: index, candidates: 30}
  - {type: rrf, hits: [dense, lexical]}
  - {type: maxsim, embedder: embedder}
ask:
  - search
  - {type: compose, generator: generator}
flows:
  talk:
    inputs: {messages: history}
    steps:
      - {use: ask, question: {value: "parental leave"}, history: messages}
"""
TLS = ssl.create_default_context()
"""For all clients: none meets TLS here, and each would read a hundred certificates."""
LEAVE = "Parental leave is 14 months.\n"
QUESTION = "How long is parental leave?"


def write(folder: Path, pipeline: str = PIPELINE, *allow: str) -> Path:
    """A pipeline file with a document that was ingested, besides what the folder's `docs` holds already."""
    if (folder / "docs").exists():
        return _write(folder, pipeline, allow)
    shutil.copytree(_ready(pipeline, allow), folder, dirs_exist_ok=True)
    return folder / "ragbraid.yaml"


@cache
def _ready(pipeline: str, allow: tuple[str, ...]) -> Path:
    """A folder with what was ingested, for copies: most tests want the same."""
    folder = Path(tempfile.mkdtemp(prefix="ragbraid-served-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return _write(folder, pipeline, allow).parent


def _write(folder: Path, pipeline: str, allow: Sequence[str]) -> Path:
    docs, file = folder / "docs", folder / "ragbraid.yaml"
    docs.mkdir(parents=True, exist_ok=True)
    (docs / "leave.md").write_text(LEAVE, "utf-8")
    file.write_text(pipeline, "utf-8")
    with Pipeline.load(file, allow=["ragbraid.testing", *allow], engine=Engine()) as loaded:
        loaded.ingest([docs])
    return file


@contextmanager
def serving(app: FastAPI) -> Iterator[str]:
    """The address of a server in a thread of this process."""
    config = uvicorn.Config(
        app, port=0, log_config=None, access_log=False, http="h11", ws="none", timeout_graceful_shutdown=5
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    until(lambda: server.started)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()


@contextmanager
def site(file: Path, settings: Settings | None = None, *, watch: bool = False) -> Iterator[httpx.Client]:
    """A client of a server for this file, which is taken up anew when it changes, if that is wanted."""

    def load() -> Pipeline:
        return Pipeline.load(file, allow=["ragbraid.testing"], engine=Engine())

    pipeline = load()
    watched = {pipeline.name: Watched(file, load)} if watch else {}
    with serving(build([pipeline], settings, watched=watched)) as url, client(url) as made:
        until(lambda: made.get("/readyz").status_code == 200)
        yield made


def client(url: str, **headers: str) -> httpx.Client:
    return httpx.Client(base_url=url, timeout=30, headers=headers, verify=TLS)


def until(holds: Any, seconds: float = 30.0) -> None:
    """Wait for something to hold."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.01)


def ended(client: httpx.Client, job: dict[str, Any]) -> dict[str, Any]:
    """A job at its end."""
    told = [job]

    def done() -> bool:
        told[0] = client.get(f"/api/jobs/{job['id']}").json()
        return told[0]["state"] in ("done", "failed")

    until(done)
    return told[0]


def events(text: str) -> list[tuple[str, Any]]:
    """The server-sent events of a body: names, and data that was JSON."""
    found = []
    for block in text.strip().split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines())
        data = fields["data"]
        found.append((fields.get("event", ""), data if data == "[DONE]" else json.loads(data)))
    return found


@dataclass
class Process:
    """`ragbraid serve` as a user runs it."""

    process: subprocess.Popen[str]
    url: str

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Send a signal; returns the exit code."""
        self.process.send_signal(number)
        return self.process.wait(20)


@contextmanager
def process(file: Path, *options: str, handles: int | None = None) -> Iterator[Process]:
    """The command in a process of its own, on a free port; it may have so many open files."""
    env = {**os.environ, "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT / 'tests' / 'serve'}"}
    bounded = [] if handles is None else ["sh", "-c", f'ulimit -n {handles}; exec "$@"', "sh"]
    with (file.parent / "server.log").open("a") as log:
        started = subprocess.Popen(
            [*bounded, sys.executable, "-m", "ragbraid", "serve", "-p", str(file), "--port", "0", "--json",
             *options],
            env=env, stdout=subprocess.PIPE, stderr=log, text=True,
        )  # fmt: skip
    try:
        assert started.stdout is not None
        line = started.stdout.readline()
        assert line, (file.parent / "server.log").read_text()
        yield Process(started, json.loads(line)["url"])
    finally:
        if started.poll() is None:
            started.kill()
        started.wait()
        assert started.stdout is not None
        started.stdout.close()
