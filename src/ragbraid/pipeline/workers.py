"""Threads that wait for work. They are daemons: a step that never ends can't keep a process alive."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from queue import SimpleQueue
from typing import Any, TypeAlias

from ragbraid.errors import InputError
from ragbraid.pipeline.handles import Run

LIMIT = 32
"""The most threads of one pipeline, where nobody expects more; work beyond them waits."""

_Job = tuple[Run, str, Callable[..., Any], tuple[Any, ...], "Future[Any]"]
_Inbox: TypeAlias = "SimpleQueue[_Job | None]"


class Workers:
    """A bounded pool whose threads are started at need and reused, the one that rested least first.

    What that one has at hand, its connection to an index for one, is still in the processor's caches.
    """

    def __init__(self, limit: int = LIMIT) -> None:
        self._limit = limit
        self._waiting: deque[_Job] = deque()
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []
        self._resting: list[_Inbox] = []
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
        job = (run, step, function, arguments, future)
        with self._lock:
            if self._closed:
                raise InputError("This pipeline is closed.", "Load it again.")
            if self._resting:
                self._resting.pop().put(job)
            elif len(self._threads) < self._limit:
                inbox: _Inbox = SimpleQueue()
                inbox.put(job)
                thread = threading.Thread(target=self._work, args=(inbox,), name="ragbraid", daemon=True)
                thread.start()
                self._threads.append(thread)
            else:
                self._waiting.append(job)
        return future

    def _work(self, inbox: _Inbox) -> None:
        key = threading.get_ident()
        while (job := inbox.get()) is not None:
            run, step, function, arguments, future = job
            with self._lock:
                self._running[key] = (run, step)
                if self._closed:
                    run.cancellation.cancel()
            try:
                if future.set_running_or_notify_cancel():
                    result = function(*arguments)
                    self._finish(key, inbox)
                    future.set_result(result)
                else:
                    self._finish(key, inbox)
            except BaseException as error:
                self._finish(key, inbox)
                future.set_exception(error)
            del job, run, function, arguments, future  # an idle thread keeps nothing alive

    def _finish(self, key: int, inbox: _Inbox) -> None:
        """Take what waits, or rest: before the result is told, so that who asks again finds a thread."""
        with self._lock:
            self._running.pop(key, None)
            if self._waiting:
                inbox.put(self._waiting.popleft())
            elif self._closed:
                inbox.put(None)
            else:
                self._resting.append(inbox)

    def close(self, timeout: float) -> list[str]:
        """Cancel what runs or waits and end the threads; returns the steps that don't end in `timeout` s."""
        deadline = time.monotonic() + timeout
        with self._lock:
            self._closed = True
            threads, self._threads = self._threads, []
            resting, self._resting = self._resting, []
            waiting = list(self._waiting)
            self._waiting.clear()
            for run, _ in self._running.values():
                run.cancellation.cancel()
        for run, *_, future in waiting:
            run.cancellation.cancel()
            future.cancel()
        for inbox in resting:
            inbox.put(None)
        for each in threads:
            each.join(max(0.0, deadline - time.monotonic()))
        alive = {each.ident for each in threads if each.is_alive()}
        with self._lock:
            return sorted(step or run.step for key, (run, step) in self._running.items() if key in alive)
