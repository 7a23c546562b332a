"""Search where a GPU would do it, by torch on this machine's CPU; `tests/gpu` has a real one."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ragbraid.errors import IndexStoreError
from ragbraid.index import nearest
from ragbraid.index.faiss import Faiss, FaissRuntime
from ragbraid.index.gpu import choice
from ragbraid.index.gpu.choice import Found
from ragbraid.index.gpu.exact import Exact
from ragbraid.index.scoring import scores
from ragbraid.index.structure.names import SMALL
from ragbraid.testing.index import EMBEDDER, DurableIndexConformance, change, embedded
from ragbraid.types import Vectors
from soaking import count

TORCH = Found("torch", "a test says so", "cpu")
NONE = Found("cpu", "no NVIDIA driver is loaded")


@pytest.fixture
def there(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Any]]:
    """torch is found, on the CPU; each search that it does is noted."""
    searched: list[Any] = []
    search = Exact.nearest

    def noted(self: Exact, matrix: Vectors, *rest: Any) -> Any:
        searched.append(len(matrix))
        return search(self, matrix, *rest)

    monkeypatch.setattr(choice, "found", lambda: TORCH)
    monkeypatch.setattr(Exact, "nearest", noted)
    return searched


class TestFaissOnGpu(DurableIndexConformance):
    """Whatever an index promises holds where it is searched by torch."""

    large = count(5_000, 60_000)

    @pytest.fixture(autouse=True)
    def by_torch(self, there: list[Any]) -> None:
        self.searched = there

    def open_index(self, folder: Path) -> FaissRuntime:
        return Faiss(folder, EMBEDDER, device="cuda").open()

    def test_it_is_searched_there(self, tmp_path: Path) -> None:
        index = self.open_index(tmp_path / "index")
        for number in range(3):
            index.upsert([change(f"a{number}", ["goat", f"goat {number}"])])
            assert len(index.search_vector(embedded("goat"), 3)[0]) >= 2
        index.delete(["a0"])
        index.compact()
        assert {hit.source for hit in index.search_vector(embedded("goat"), 9)[0]} == {"a1", "a2"}
        assert self.searched == [2, 3, 4, 3]  # equal texts share a vector
        index.close()


@settings(max_examples=count(40, 2000), deadline=None)
@given(
    rows=st.integers(1, 700),
    k=st.integers(1, 60),
    half=st.booleans(),
    share=st.sampled_from([0.02, 0.5, 1.0]),
    distinct=st.sampled_from([3, 50, 100_000]),
    seed=st.integers(0, 2**16),
)
def test_it_finds_the_nearest_exactly(
    rows: int, k: int, half: bool, share: float, distinct: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    matrix = _unit(rng, min(rows, distinct))[rng.integers(0, min(rows, distinct), rows)]
    matrix, queries = np.ascontiguousarray(matrix), _unit(rng, 5)
    allowed = rng.random(rows) < share
    bits = None if share == 1.0 else np.packbits(allowed, bitorder="little")
    where = np.flatnonzero(allowed) if bits is not None else np.arange(rows)
    search = Exact("cpu", matrix.shape[1], half, block=128)
    search.nearest(matrix[: rows // 2 + 1], queries, 1, None)  # the others come later
    for query, found in zip(queries, search.nearest(matrix, queries, k, bits), strict=True):
        if not len(where):
            assert found is None  # the caller knows that there is nothing
            continue
        assert found is not None
        values = scores(matrix, where, query)
        last = np.sort(values)[-min(k, len(where))]
        assert sorted(found[0].tolist()) == where[values >= last].tolist()
        assert np.array_equal(found[1], scores(matrix, found[0], query))


def test_what_cannot_be_told_apart_in_half_precision_is_left_to_the_caller(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("ragbraid.index.gpu.exact._LEAST", 8)
    monkeypatch.setattr("ragbraid.index.gpu.exact._MOST", 16)
    rng = np.random.default_rng(0)
    near = _unit(rng, 1) + 1e-4 * rng.standard_normal((200, 16)).astype(np.float32)
    matrix = np.concatenate([near / np.linalg.norm(near, axis=1, keepdims=True), _unit(rng, 50)])
    found = Exact("cpu", 16, half=True).nearest(matrix, matrix[:1], 2, None)
    assert found == [None]


def test_an_older_state_is_searched_beside_a_newer_one() -> None:
    rng = np.random.default_rng(1)
    matrix = _unit(rng, 300)
    search = Exact("cpu", 16, half=True, block=64)
    search.nearest(matrix, matrix[:1], 5, None)
    (found,) = search.nearest(matrix[:100], matrix[250:251], 5, None)
    assert found is not None
    assert max(found[0]) < 100


def test_a_gpu_that_is_asked_for_and_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choice, "found", lambda: NONE)
    index = Faiss(tmp_path / "index", EMBEDDER, device="cuda").open()
    index.upsert([change("a", ["goat"])])
    with pytest.raises(IndexStoreError, match=r"no NVIDIA driver is loaded\. Set `device: auto`"):
        index.search_vector(embedded("goat"), 3)
    assert len(index.search_text(["goat"], 3)[0]) == 1
    index.close()


def test_a_graph_needs_a_faiss_that_has_it(tmp_path: Path, there: list[Any]) -> None:
    with pytest.raises(ValueError, match="searched on a GPU"):
        Faiss(tmp_path, EMBEDDER, "cagra", device="cpu")
    index = Faiss(tmp_path / "index", EMBEDDER, "cagra", device="cuda").open()
    index.upsert([change("a", ["goat"])])
    with pytest.raises(IndexStoreError, match="built with cuVS"):
        index.search_vector(embedded("goat"), 3)
    index.close()
    index = Faiss(tmp_path / "index", EMBEDDER, "cagra").open()
    assert len(index.search_vector(embedded("goat"), 3)[0]) == 1
    index.close()
    assert there == []


@pytest.mark.parametrize("device", ["cuda", "auto"])
def test_a_gpu_that_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, device: Any) -> None:
    def full(*_: Any) -> Any:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB.\nMore.")

    monkeypatch.setattr(choice, "found", lambda: TORCH)
    monkeypatch.setattr(choice, "SMALL", 1)
    monkeypatch.setattr(Exact, "nearest", full)
    index = Faiss(tmp_path / "index", EMBEDDER, device=device).open()
    index.upsert([change("a", ["goat"])])
    if device == "cuda":
        with pytest.raises(IndexStoreError, match=r"allocate 2 GiB\.\)\. Free some of its memory"):
            index.search_vector(embedded("goat"), 3)
    else:
        assert len(index.search_vector(embedded("goat"), 3)[0]) == 1
        assert len(index.search_vector(embedded("goat"), 3)[0]) == 1
    index.close()


def test_where_auto_searches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choice, "found", lambda: TORCH)
    assert choice.chosen("auto", "auto", SMALL - 1).by == "cpu"
    assert choice.chosen("auto", "auto", SMALL) == TORCH
    assert choice.chosen("cuda", "auto", 1) == TORCH
    assert choice.chosen("cpu", "auto", SMALL).why == "`device: cpu` says so"
    monkeypatch.delitem(sys.modules, "torch")
    assert choice.chosen("auto", "auto", SMALL).why.startswith("torch isn't loaded")
    monkeypatch.setattr(choice, "found", lambda: NONE)
    assert choice.chosen("auto", "auto", SMALL) == NONE


def test_nothing_is_looked_for_without_a_driver(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choice.ctypes, "CDLL", _raise)
    choice.found.cache_clear()
    assert choice.found() == NONE
    choice.found.cache_clear()


def test_a_small_index_does_not_load_what_a_gpu_needs(tmp_path: Path) -> None:
    assert nearest._FEW == SMALL
    index = Faiss(tmp_path / "index", EMBEDDER).open()
    index.upsert([change("a", ["goat"])])
    found = choice.found.cache_info().misses
    index.search_vector(embedded("goat"), 3)
    assert choice.found.cache_info().misses == found
    index.close()


def _unit(rng: np.random.Generator, rows: int) -> Vectors:
    found = rng.standard_normal((rows, 16)).astype(np.float32)
    return found / np.linalg.norm(found, axis=1, keepdims=True)


def _raise(*_: Any) -> Any:
    raise OSError
