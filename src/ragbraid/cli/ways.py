"""The ways in which a pipeline is asked: in Python, as a command, over HTTP, and through frameworks."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any

from ragbraid.bridge.frameworks import FRAMEWORKS, GROUP
from ragbraid.errors import FOREIGN, RagbraidError, told
from ragbraid.serial import to_json

if TYPE_CHECKING:
    from ragbraid import Pipeline

Ask = Callable[[str], Any]
"""A question → its answer as JSON."""
_PATIENCE = 30.0
"""Seconds in which a server has to be up."""


@contextmanager
def ways(pipeline: Pipeline, options: Sequence[str]) -> Iterator[dict[str, Ask | str]]:
    """Every way by its name, or the reason why it isn't there; `options` are those of the command line."""
    with ExitStack() as opened:
        found: dict[str, Ask | str] = {
            "python": lambda question: to_json(pipeline.ask(question)),
            "stream": lambda question: to_json(_streamed(pipeline, question)),
            "command": lambda question: _commanded(question, options),
        }
        try:
            found["http"] = opened.enter_context(_served(pipeline))
        except ImportError as error:
            found["http"] = f"not installed: {error.name}; run `pip install 'ragbraid[serve]'`"
        for name, framework in FRAMEWORKS.items():
            found[name] = _through(name, framework.connector, pipeline)
        yield found


def _streamed(pipeline: Pipeline, question: str) -> Any:
    *_, last = pipeline.stream(question)
    if last.kind == "error":
        raise last.value
    return last.value


def _commanded(question: str, options: Sequence[str]) -> Any:
    command = [sys.executable, "-m", "ragbraid", "ask", "--json", *options, "--", question]
    done = subprocess.run(
        command, capture_output=True, encoding="utf-8", stdin=subprocess.DEVNULL, check=False
    )
    if done.returncode:
        raise RagbraidError(done.stderr.strip() or f"The command ended with {done.returncode}.")
    return json.loads(done.stdout)


@contextmanager
def _served(pipeline: Pipeline) -> Iterator[Ask]:
    """A server of this pipeline on a free port of this machine, for as long as it is asked."""
    import urllib.request

    import uvicorn

    from ragbraid.pipeline.requests import Caller
    from ragbraid.serve.app import build

    app = build([pipeline.as_caller(Caller())])
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="critical"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    end = time.monotonic() + _PATIENCE
    while not server.started and thread.is_alive() and time.monotonic() < end:
        time.sleep(0.01)
    if not server.started:
        raise RagbraidError("The server didn't start.", "Run `ragbraid serve` to see why.")
    address = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}/api/ask"
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # a proxy can't reach this machine

    def ask(question: str) -> Any:
        body = json.dumps({"question": question}).encode()
        request = urllib.request.Request(address, body, {"Content-Type": "application/json"})
        with direct.open(request) as reply:
            return json.load(reply)

    try:
        yield ask
    finally:
        server.should_exit = True
        thread.join(_PATIENCE)


def _through(name: str, connector: str, pipeline: Pipeline) -> Ask | str:
    """The way through a framework, where its connector is installed and has one."""
    registered = list(entry_points(group=GROUP, name=name))
    if not registered:
        return f"not installed: {connector}"
    try:
        ask = registered[0].load().asking(pipeline)
    except FOREIGN as error:
        return f"can't be used: {told(error)}"
    return lambda question: to_json(ask(question))
