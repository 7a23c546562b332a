"""Lets go of mapped files while native code reads through them.

Where tantivy joins its segments it reads all of them, mapped, so that an index of a gigabyte counts as a
gigabyte of this process's memory, which some systems end it for. What has been read isn't read again.
"""

from __future__ import annotations

import ctypes
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any

_PAUSE = 0.1
_LARGE = 64_000_000
"""Bytes of mapped files that may stay."""
_PAGEOUT = 21
"""Linux's `MADV_PAGEOUT`, which is only advice: no content is lost, whatever the pages are by then."""


@contextmanager
def letting_go(folder: Path) -> Iterator[None]:
    """Give back what is mapped of the files in a folder again and again, until the block ends; on Linux."""
    advise = _advise()
    if advise is None or _size(folder) < _LARGE:
        yield
        return
    done = threading.Event()
    thread = threading.Thread(target=_let_go, args=(advise, str(folder.resolve()), done), daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def _size(folder: Path) -> int:
    """Bytes of the files in a folder; one that goes meanwhile counts nothing."""
    total = 0
    for each in folder.iterdir():
        with suppress(OSError):
            total += each.stat().st_size
    return total


def _let_go(advise: Any, folder: str, done: threading.Event) -> None:
    while not done.wait(_PAUSE):
        mapped = _mapped(folder)
        if sum(end - start for start, end in mapped) > _LARGE:
            for start, end in mapped:
                advise(ctypes.c_void_p(start), ctypes.c_size_t(end - start), _PAGEOUT)


def _mapped(folder: str) -> list[tuple[int, int]]:
    """Where the files of a folder are mapped: the first address, and the one after the last."""
    found = []
    with suppress(OSError), open("/proc/self/maps", encoding="utf-8", errors="surrogateescape") as lines:
        for line in lines:
            addresses, *_, path = line.split(maxsplit=5)
            if path.startswith(folder):
                start, end = addresses.split("-")
                found.append((int(start, 16), int(end, 16)))
    return found


@cache
def _advise() -> Any:
    return getattr(ctypes.CDLL(None), "madvise", None) if sys.platform == "linux" else None
