"""Mapped files are read through in little memory."""

from __future__ import annotations

import mmap
import os
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from ragbraid.index.paging import letting_go
from ragbraid.index.vector_file import picked

if sys.platform != "linux":
    pytest.skip("only Linux tells what is mapped", allow_module_level=True)

MEGABYTES = 100


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("mapped") / "large"
    matrix = np.random.default_rng(1).standard_normal((MEGABYTES * 1000, 250), np.float32)
    with path.open("wb") as file:
        matrix.tofile(file)
        file.flush()
        os.fsync(file.fileno())
    return path


def memory(what: str) -> float:
    """A line of `/proc/self/status` in megabytes."""
    lines = Path("/proc/self/status").read_text("utf-8").splitlines()
    return next(int(each.split()[1]) / 1000 for each in lines if each.startswith(f"{what}:"))


def test_rows_are_picked_in_little_memory(large: Path) -> None:
    matrix = np.memmap(large, np.float32, "r", shape=(MEGABYTES * 1000, 250))
    slots = np.arange(3, len(matrix), 97)
    Path("/proc/self/clear_refs").write_text("5", "ascii")  # the peak begins anew
    before = memory("VmRSS")

    rows = picked(matrix, slots)

    assert memory("VmHWM") - before < MEGABYTES / 2
    assert np.array_equal(rows, matrix[slots])


def test_what_others_read_through_is_let_go(large: Path) -> None:
    if memory_file_system(large):
        pytest.skip("its files are nowhere but in memory")
    with large.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        content = bytes(mapped)
        held = memory("RssFile")
        with letting_go(large.parent):
            until = time.monotonic() + 20
            while memory("RssFile") > held - MEGABYTES / 2 and time.monotonic() < until:
                time.sleep(0.01)
        assert memory("RssFile") <= held - MEGABYTES / 2
        assert bytes(mapped) == content


def memory_file_system(path: Path) -> bool:
    mounts = [each.split()[1:3] for each in Path("/proc/mounts").read_text("utf-8").splitlines()]
    above = max((place for place, _ in mounts if path.is_relative_to(place)), key=len)
    return [kind for place, kind in mounts if place == above][-1:] == ["tmpfs"]
