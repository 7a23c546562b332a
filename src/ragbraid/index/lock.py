"""One writer at a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ragbraid import locking
from ragbraid.errors import IndexLocked


@contextmanager
def exclusive(path: Path, wait: float) -> Iterator[None]:
    """Hold the lock file, waiting up to `wait` seconds. Raises `IndexLocked` with the holder's pid."""

    def busy(holder: str, waited: float) -> None:
        if waited >= wait:
            raise IndexLocked(
                f"Another process ({holder}) is writing to the index at {path.parent}.",
                "Try again when it is done.",
            )

    with locking.exclusive(path, busy):
        yield
