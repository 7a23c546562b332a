"""Ends what takes too long, by one thread for many short times."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic


class Watchdog:
    """Calls `act` once a block has taken too long.

    A `threading.Timer` for each block would cost more than the block. Here the thread sleeps on while blocks
    come and go, and is woken only for an end that is before the one that it sleeps until.
    """

    def __init__(self, act: Callable[[], object]) -> None:
        self._act = act
        self._changed = threading.Condition()
        self._end: float | None = None
        self._wakes: float | None = None
        self._closed = False
        self._thread: threading.Thread | None = None
        self.over = False
        """Whether the last block took too long."""

    @contextmanager
    def within(self, seconds: float) -> Iterator[None]:
        """The block may take so long. One block at a time."""
        with self._changed:
            self.over = False
            self._end = monotonic() + min(seconds, threading.TIMEOUT_MAX)
            if self._thread is None:
                self._thread = threading.Thread(target=self._watch, name="ragbraid-watchdog", daemon=True)
                self._thread.start()
            elif self._wakes is None or self._end < self._wakes:
                self._changed.notify()
        try:
            yield
        finally:
            with self._changed:
                self._end = None

    def close(self) -> None:
        """End the thread."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        if self._thread is not None:
            self._thread.join()

    def _watch(self) -> None:
        with self._changed:
            while not self._closed:
                left = None if self._end is None else self._end - monotonic()
                if left is None or left > 0:
                    self._wakes = self._end
                    self._changed.wait(left)
                    continue
                self._end, self.over = None, True
                self._act()
