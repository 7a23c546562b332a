"""What an ingest no longer needs, the system has again."""

from __future__ import annotations

import ctypes
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from ragbraid.ingest.memory import give_back


@pytest.mark.skipif(sys.platform != "linux", reason="other C libraries give it back by themselves")
def test_what_threads_freed_is_given_back() -> None:
    library = ctypes.CDLL(None)
    if not hasattr(library, "malloc_trim"):
        pytest.skip("this C library has no malloc_trim")
    library.malloc.restype, library.free.argtypes = ctypes.c_void_p, [ctypes.c_void_p]
    together = Barrier(4)

    def use() -> None:
        blocks = [library.malloc(50_000) for _ in range(200)]
        for each in blocks:
            ctypes.memset(each, 1, 50_000)
        together.wait()
        for each in blocks[:-1]:  # the last one keeps glibc from giving back the end by itself
            library.free(each)

    give_back()
    before = held()
    with ThreadPoolExecutor(4) as pool:
        for each in [pool.submit(use) for _ in range(4)]:
            each.result()
        assert held() - before > 20
        give_back()
        assert held() - before < 10


def held() -> float:
    """Megabytes of memory that this process holds for itself."""
    line = next(
        each for each in Path("/proc/self/status").read_text("utf-8").splitlines() if "RssAnon" in each
    )
    return int(line.split()[1]) / 1000
