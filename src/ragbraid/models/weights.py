"""What is heavy in a runtime: loaded at its first use, put away when nobody has used it for long."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic
from typing import Generic, TypeVar

from ragbraid.models.memory import Memory, Need

T = TypeVar("T")


class Weights(Generic[T]):
    """Something heavy called `name`, shared by all threads.

    `load` makes it, `close` ends it, and `need` estimates beforehand what it takes of `memory`. It is put
    away after `idle` seconds without use, where that is given, and where others need its memory; the next
    use loads it again. A thread watches while it is loaded and `idle` is given, and no longer.
    """

    def __init__(
        self,
        name: str,
        load: Callable[[], T],
        *,
        need: Callable[[], Need],
        close: Callable[[T], None] = lambda _: None,
        idle: float | None = None,
    ) -> None:
        self.name = name
        self.memory = Memory()
        self._load, self._close, self._need, self._idle = load, close, need, idle
        self._loaded: T | None = None
        self._users = 0
        self._used_at = monotonic()
        self._watcher: threading.Thread | None = None
        self._state = threading.Condition(threading.RLock())

    @property
    def loaded(self) -> bool:
        """Whether it is in memory."""
        return self._loaded is not None

    @property
    def unused_since(self) -> float:
        """When it was last used, in seconds of `time.monotonic`."""
        return self._used_at

    @contextmanager
    def use(self) -> Iterator[T]:
        """It, loaded where it isn't; it stays while the block lasts, unless all is closed.

        Raises `ModelError` where memory doesn't allow it, and what loading raises.
        """
        with self._state:
            if self._loaded is None:
                self._loaded = self._made()
            loaded = self._loaded
            self._users += 1
        try:
            yield loaded
        finally:
            with self._state:
                self._users -= 1
                self._used_at = monotonic()

    def put_away(self) -> bool:
        """Give the memory back unless it is in use now, or being loaded; whether it did."""
        if not self._state.acquire(blocking=False):
            return False
        try:
            return not self._users and self._ended()
        finally:
            self._state.release()

    def close(self) -> None:
        """Give the memory back at once, and end the thread that watches."""
        with self._state:
            watcher, self._watcher = self._watcher, None
            loaded, self._loaded = self._loaded, None
            self._state.notify_all()
        if loaded is not None:  # not under the lock: whoever still uses it may have to let go first
            self._close(loaded)
            self.memory.release(self)
        if watcher is not None and watcher is not threading.current_thread():
            watcher.join()

    def _made(self) -> T:
        self.memory.reserve(self, self._need())
        try:
            made = self._load()
        except BaseException:
            self.memory.release(self)
            raise
        self._used_at = monotonic()
        if self._idle is not None and self._watcher is None:
            self._watcher = threading.Thread(target=self._watch, name="ragbraid-idle", daemon=True)
            self._watcher.start()
        return made

    def _ended(self) -> bool:
        loaded, self._loaded = self._loaded, None
        if loaded is None:
            return False
        self._close(loaded)
        self.memory.release(self)
        return True

    def _watch(self) -> None:
        assert self._idle is not None
        myself = threading.current_thread()
        with self._state:
            while self._loaded is not None and self._watcher is myself:
                left = self._used_at + self._idle - monotonic()
                if self._users or left > 0:
                    self._state.wait(self._idle if self._users else left)
                else:
                    self._ended()
            if self._watcher is myself:
                self._watcher = None
