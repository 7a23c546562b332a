"""Mapped files are read through in little memory."""

from __future__ import annotations

import mmap
import os
import sys
import time
from pathlib import Path
from uuid import uuid4

import numpy as np
import pytest

from ragbraid.index.paging import letting_go
from ragbraid.index.vector_file import VectorFile, picked

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


def test_rows_are_picked_in_little_memory(tmp_path: Path) -> None:
    file = VectorFile(tmp_path / "vectors", str(uuid4()), 250)
    given = np.random.default_rng(1).standard_normal((MEGABYTES * 1000, 250), np.float32)
    file.append(0, given)
    matrix, slots = file.map(len(given)), np.arange(3, len(given), 97)
    Path("/proc/self/clear_refs").write_text("5", "ascii")  # the peak begins anew
    before = memory("VmRSS")

    rows = picked(matrix, slots)

    assert memory("VmHWM") - before < MEGABYTES / 20
    assert np.array_equal(rows, given[slots])


def test_rows_of_a_file_that_was_cut_are_no_rows(tmp_path: Path) -> None:
    file = VectorFile(tmp_path / "vectors", str(uuid4()), 250)
    file.append(0, np.ones((9, 250), np.float32))
    with pytest.raises(IndexError):  # there, but not of the state that is read
        picked(file.map(5), np.array([5]))
    matrix = file.map(9)
    os.truncate(file.path, 4096 + 8500)
    assert picked(matrix, np.array([7])).all()
    with pytest.raises(OSError, match="shorter"):
        picked(matrix, np.array([8]))


def test_open_files_are_closed_with_their_matrix(tmp_path: Path) -> None:
    file = VectorFile(tmp_path / "vectors", str(uuid4()), 250)
    file.append(0, np.ones((9, 250), np.float32))
    before = len(os.listdir("/proc/self/fd"))
    matrix = file.map(9)
    view = matrix[2:]
    assert np.array_equal(picked(view, np.array([3])), matrix[[5]])
    del matrix, view
    assert len(os.listdir("/proc/self/fd")) == before


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
