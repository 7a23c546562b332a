"""A lock on a file that the operating system drops when its holder dies."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_PAUSE = 0.005


@contextmanager
def exclusive(path: Path, busy: Callable[[str, float], None]) -> Iterator[None]:
    """Hold the lock file at `path`, waiting for it as long as `busy` lets it.

    `busy` is called with a word on who holds it and the seconds waited so far, again and again; what it
    raises ends the wait. The file stays where it is: removing it would let two processes lock two files
    of one name. Raises `OSError` where the file can't be made.
    """
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        began = time.monotonic()
        while not _try(handle):
            busy(_holder(path), time.monotonic() - began)
            time.sleep(_PAUSE)
        with suppress(OSError):  # who holds it is only a courtesy, and a disk may be full
            os.ftruncate(handle, 0)
            os.pwrite(handle, str(os.getpid()).encode(), 0) if sys.platform != "win32" else None
        yield
    finally:
        os.close(handle)


def held_by(path: Path) -> str | None:
    """Who holds the lock file at `path`, in words; None where nobody does, or where there is none."""
    try:
        handle = os.open(path, os.O_RDWR)
    except FileNotFoundError:
        return None
    try:
        return None if _try(handle) else _holder(path)
    finally:
        os.close(handle)


def _holder(path: Path) -> str:
    with suppress(OSError):
        if pid := path.read_text("ascii", "replace").strip():
            return f"pid {pid}"
    return "its pid is unknown"


if sys.platform == "win32":
    import msvcrt

    def _try(handle: int) -> bool:
        os.lseek(handle, 0, os.SEEK_SET)
        try:
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    def _try(handle: int) -> bool:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
