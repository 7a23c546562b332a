"""How fast a GPU compares every vector, beside all cores of the same machine: `sh tests/gpu/run.sh`.

Prints a table: the ten nearest of `--count` vectors of 384 dimensions, one question and 1,000 at once. Share
is of the bandwidth that the GPU's maker states, and of what a copy within its memory reaches. All cores are
FAISS's or torch's, whichever is faster.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from statistics import median
from time import perf_counter
from typing import Any

import faiss
import numpy as np

from ragbraid.index.gpu import choice
from ragbraid.index.nearest import Comparing, nearest
from ragbraid.index.rows import Rows, Table
from ragbraid.types import Vectors

DIMENSIONS, K, MANY = 384, 10, 1000


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--count", type=int, default=1_000_000)
    asked.add_argument("--device", default="cuda:0", help="torch's name for it; `cpu` tries this script")
    given = asked.parse_args()
    if given.device.startswith("cuda") and choice.found().by == "cpu":
        raise SystemExit(f"There is nothing to measure: {choice.found().why}.")
    matrix, rows = _vectors(given.count, 1), _rows(given.count)
    queries = _vectors(MANY, 2)
    print(f"{given.count:,} vectors of {DIMENSIONS} dimensions; FAISS {faiss.__version__}")
    flops = 2 * MANY * given.count * DIMENSIONS
    ways = {"FAISS": None, "torch": _torch("cpu")}
    taken = {
        name: _seconds(lambda gpu=gpu: nearest(matrix, rows, queries, K, gpu=gpu), 3)  # type: ignore[misc]
        for name, gpu in ways.items()
        if gpu is not None or name == "FAISS"
    }
    for name, each in taken.items():
        speed = flops / each / 1e12
        print(f"{name} on {os.cpu_count()} cores: {MANY} questions {each * 1e3:.0f} ms, {speed:.2f} TFLOP/s")
    cores = min(taken.values())
    expected = nearest(matrix, rows, queries[:50], K)
    for name, gpu, read in _searches(given.device):
        began = perf_counter()
        assert nearest(matrix, rows, queries[:50], K, gpu=gpu) == expected, f"{name} finds others"
        loaded = perf_counter() - began
        one = _seconds(lambda gpu=gpu: gpu.nearest(matrix, queries[:1], K, None), 50)  # type: ignore[misc]
        many = _seconds(lambda gpu=gpu: gpu.nearest(matrix, queries, K, None), 5)  # type: ignore[misc]
        whole = _seconds(lambda gpu=gpu: nearest(matrix, rows, queries, K, gpu=gpu), 5)  # type: ignore[misc]
        rate = given.count * DIMENSIONS * read / one
        print(f"{name}: vectors brought there and the first 50 questions in {loaded:.2f} s")
        print(f"  1 question     {one * 1e3:.3f} ms, {rate / 1e12:.2f} TB/s{_shares(rate, given.device)}")
        print(f"  {MANY} questions {many * 1e3:.1f} ms, {flops / many / 1e12:.1f} TFLOP/s")
        print(f"  to the rows of the index: {whole * 1e3:.1f} ms")
        print(f"  × all cores at {MANY} questions: {cores / many:.0f} (to the rows: {cores / whole:.0f})")


def _searches(device: str) -> list[tuple[str, Comparing, int]]:
    """Name, search, and bytes of a number that a pass reads."""
    found: list[tuple[str, Comparing, int]] = []
    if choice.found().by == "faiss":
        from ragbraid.index.gpu import by_faiss

        found.append(("FAISS", by_faiss.Exact(DIMENSIONS), 4))
    if (search := _torch(device)) is not None:
        found.append((f"torch on {device}", search, 4 if device == "cpu" else 2))
    return found


def _torch(device: str) -> Comparing | None:
    try:
        import torch
    except ImportError:
        return None
    if device != "cpu" and not torch.cuda.is_available():
        return None
    from ragbraid.index.gpu.exact import Exact

    return Exact(device, DIMENSIONS, half=device != "cpu")


def _shares(rate: float, device: str) -> str:
    try:
        import torch
    except ImportError:
        return ""
    if device == "cpu":
        return ""
    about: Any = torch.cuda.get_device_properties(device)
    clock, width = (getattr(about, each, 0) for each in ("memory_clock_rate", "memory_bus_width"))
    stated = 2 * clock * 1e3 * width / 8
    data = torch.empty(1 << 30, dtype=torch.uint8, device=device)
    other = torch.empty_like(data)

    def copy() -> None:
        other.copy_(data)
        torch.cuda.synchronize()

    reached = 2 * len(data) / _seconds(copy, 20)
    share = f", {rate / stated:.0%} of the {stated / 1e12:.2f} stated" if stated else ""
    return f" on {about.name}{share}, {rate / reached:.0%} of the {reached / 1e12:.2f} that a copy reaches"


def _seconds(work: Callable[[], object], times: int) -> float:
    work()
    taken = []
    for _ in range(times):
        began = perf_counter()
        work()
        taken.append(perf_counter() - began)
    return median(taken)


def _vectors(count: int, seed: int) -> Vectors:
    centres = np.random.default_rng(1).standard_normal((2000, DIMENSIONS), np.float32)
    rng = np.random.default_rng(seed)
    found = centres[rng.integers(0, len(centres), count)]
    found += 0.7 * rng.standard_normal(found.shape, np.float32)
    found /= np.linalg.norm(found, axis=1, keepdims=True)
    return found  # type: ignore[no-any-return]


def _rows(count: int) -> Rows:
    numbers = np.arange(count)
    none = numbers[:0]
    return Rows(
        1,
        Table(numbers + 1, numbers // 10 + 1, numbers, numbers, numbers),
        None,
        Table(none, none, none, none, none),
    )


if __name__ == "__main__":
    main()
