"""The structure that searches of one index use at the moment: opened when it is written anew."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

from ragbraid.index.structure import state as states
from ragbraid.index.structure.search import Structure, opened

Mark = tuple[int, int]


class Held:
    """The open structure in a folder of its own, shared by threads."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._mark: Mark | None = None
        self._structure: Structure | None = None

    def current(
        self, uuid: str, count: int, dimensions: int, blocks: Callable[[int], int]
    ) -> Structure | None:
        """The structure over the first slots of `count`; None where there is none that fits them.

        `blocks` gives the sum over the vector blocks below a slot. A structure that is newer than the state
        which is read isn't used yet, if it can't be compared with it.
        """
        mark = self._look()
        with self._lock:
            if mark != self._mark:
                state = None if mark is None else states.read(self._folder, uuid)
                if state is not None and state.covered > count:
                    return self._structure
                sound = state is not None and state.blocks == blocks(state.covered)
                self._structure = opened(self._folder, state, dimensions) if state and sound else None
                self._mark = mark
            return self._structure

    def close(self) -> None:
        """Let go of its files."""
        with self._lock:
            self._mark = self._structure = None

    def _look(self) -> Mark | None:
        try:
            status = (self._folder / states.FILE).stat()
        except OSError:
            return None
        return status.st_mtime_ns, status.st_ino
