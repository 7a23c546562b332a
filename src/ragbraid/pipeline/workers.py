"""Threads that wait for work. They are daemons: a step that never ends can't keep a process alive."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from queue import Empty, SimpleQueue
from typing import Any

from ragbraid.errors import InputError
from ragbraid.pipeline.handles import Run

LIMIT = 32
"""The most threads of one pipeline, where nobody expects more; work beyond them waits."""

_Job = tuple[Run, str, Callable[..., Any], tuple[Any, ...], "Future[Any]"]


class Workers:
    """A bounded pool whose threads are started at need and reused."""

    def __init__(self, limit: int = LIMIT) -> None:
        self._limit = limit
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []
        self._idle = 0
        self._running: dict[int, tuple[Run, str]] = {}
        self._closed = False

    def expect(self, runs: int) -> None:
        """Have a thread for each of so many runs at a time, besides those that they share."""
        with self._lock:
            self._limit = max(self._limit, runs + LIMIT)

    def submit(self, run: Run, step: str, function: Callable[..., Any], *arguments: Any) -> Future[Any]:
        """Run a function of a run in a thread; an empty `step` stands for whichever the run is at.

        Raises `InputError` after `close`.
        """
        future: Future[Any] = Future()
        with self._lock:
            if self._closed:
                raise InputError("This pipeline is closed.", "Load it again.")
            if self._idle > 0:
                self._idle -= 1  # promised to this job, so that the next one starts a thread
            elif len(self._threads) < self._limit:
                thread = threading.Thread(target=self._work, name="ragbraid", daemon=True)
                thread.start()
                self._threads.append(thread)
            self._jobs.put((run, step, function, arguments, future))
        return future

    def _work(self) -> None:
        key = threading.get_ident()
        while (job := self._jobs.get()) is not None:
            run, step, function, arguments, future = job
            with self._lock:
                self._running[key] = (run, step)
                if self._closed:
                    run.cancellation.cancel()
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
            del job, run, function, arguments, future  # an idle thread keeps nothing alive

    def _finish(self, key: int) -> None:
        with self._lock:
            self._running.pop(key, None)
            self._idle += 1

    def close(self, timeout: float) -> list[str]:
        """Cancel what runs or waits and end the threads; returns the steps that don't end in `timeout` s."""
        deadline = time.monotonic() + timeout
        with self._lock:
            self._closed = True
            threads, self._threads = self._threads, []
            for run, _ in self._running.values():
                run.cancellation.cancel()
        self._drop_waiting()
        for _ in threads:
            self._jobs.put(None)
        for each in threads:
            each.join(max(0.0, deadline - time.monotonic()))
        alive = {each.ident for each in threads if each.is_alive()}
        with self._lock:
            return sorted(step or run.step for key, (run, step) in self._running.items() if key in alive)

    def _drop_waiting(self) -> None:
        while True:
            try:
                job = self._jobs.get_nowait()
            except Empty:
                return
            if job is not None:
                job[0].cancellation.cancel()
                job[-1].cancel()
