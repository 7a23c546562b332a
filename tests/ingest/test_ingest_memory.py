"""What an ingest no longer needs, the system has again."""

from __future__ import annotations

import ctypes
import subprocess
import sys

import pytest

USE = """
import ctypes, re
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from ragbraid.ingest.memory import give_back

library = ctypes.CDLL(None)
library.malloc.restype, library.free.argtypes = ctypes.c_void_p, [ctypes.c_void_p]
together = Barrier(4)


def use():
    blocks = [library.malloc(50_000) for _ in range(200)]
    for each in blocks:
        ctypes.memset(each, 1, 50_000)
    together.wait()
    for each in blocks[:-1]:  # the last one keeps glibc from giving back the end by itself
        library.free(each)


def held():
    return int(re.search(r"RssAnon:\\s+(\\d+)", open("/proc/self/status").read())[1]) // 1000


before = held()
with ThreadPoolExecutor(4) as pool:
    [each.result() for each in [pool.submit(use) for _ in range(4)]]
    used = held() - before
    give_back()
    print(used, held() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="other C libraries give it back by themselves")
def test_what_threads_freed_is_given_back() -> None:
    if not hasattr(ctypes.CDLL(None), "malloc_trim"):
        pytest.skip("this C library has no malloc_trim")
    told = subprocess.run([sys.executable, "-c", USE], capture_output=True, text=True, check=True).stdout
    used, left = map(int, told.split())
    assert used > 20
    assert left < 10
