"""Threads that wait for work. They are daemons: a step that never ends can't keep a process alive."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from queue import SimpleQueue
from typing import Any

LIMIT = 32
"""The most threads of one pipeline; work beyond them waits."""

_Job = tuple[str, Callable[..., Any], tuple[Any, ...], "Future[Any]"]


class Workers:
    """A bounded pool whose threads are started at need and reused."""

    def __init__(self, limit: int = LIMIT) -> None:
        self._limit = limit
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []
        self._idle = 0
        self._running: dict[int, str] = {}

    def submit(self, name: str, function: Callable[..., Any], *arguments: Any) -> Future[Any]:
        """Run a function in a thread; `name` is what it is called while it runs."""
        future: Future[Any] = Future()
        with self._lock:
            if self._idle > 0:
                self._idle -= 1  # promised to this job, so that the next one starts a thread
            elif len(self._threads) < self._limit:
                thread = threading.Thread(target=self._work, name="ragbraid", daemon=True)
                self._threads.append(thread)
                thread.start()
            self._jobs.put((name, function, arguments, future))
        return future

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            name, function, arguments, future = job
            key = threading.get_ident()
            self._running[key] = name
            try:
                if future.set_running_or_notify_cancel():
                    result = function(*arguments)
                    self._finish(key)
                    future.set_result(result)
                else:
                    self._finish(key)
            except BaseException as error:
                self._finish(key)
                future.set_exception(error)
            del job, function, arguments, future  # an idle thread keeps nothing alive

    def _finish(self, key: int) -> None:
        with self._lock:
            self._running.pop(key, None)
            self._idle += 1

    def close(self, timeout: float) -> list[str]:
        """End the threads; returns the names of what still runs after `timeout` seconds."""
        deadline = time.monotonic() + timeout
        with self._lock:
            threads, self._threads = self._threads, []
            self._idle = 0
            for _ in threads:
                self._jobs.put(None)
        for each in threads:
            each.join(max(0.0, deadline - time.monotonic()))
        alive = {each.ident for each in threads if each.is_alive()}
        return sorted(name for key, name in self._running.items() if key in alive)
