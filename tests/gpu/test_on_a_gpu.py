"""Search on a real GPU finds what the CPU finds; skipped by name where there is none."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ragbraid.index.faiss import Faiss, FaissRuntime
from ragbraid.index.gpu import choice
from ragbraid.index.gpu.choice import Found
from ragbraid.index.protocol import Change, Entry
from ragbraid.index.structure.names import SMALL
from ragbraid.types import Chunk, Document, Hit, Scope, Vectors

DIMENSIONS, PER_DOCUMENT = 64, 500
FIRST = SMALL // PER_DOCUMENT + 20
"""Documents: enough vectors for a structure."""
FILTERS = (None, {"number": {"$lt": 60}}, {"number": {"$gte": 5}}, {"even": True}, {"number": 7})


def _places() -> dict[str, Found]:
    found = choice.found()
    if found.by == "cpu":
        return {}
    places = {"faiss": found} if found.by == "faiss" else {}
    try:
        import torch
    except ImportError:
        return places
    return places | ({"torch": Found("torch", "", "cuda:0")} if torch.cuda.is_available() else {})


PLACES = _places()


@pytest.fixture(params=["faiss", "torch"])
def place(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Found:
    """The GPU by each library that finds it."""
    found = PLACES.get(request.param)
    if found is None:
        pytest.skip(f"{request.param} finds no GPU ({choice.found().why})")
    monkeypatch.setattr(choice, "found", lambda: found)
    return found


class Given:
    """An embedder by name alone: the tests bring their vectors."""

    identity, dimensions = "given", DIMENSIONS

    def __call__(self, texts: object) -> Vectors:
        raise NotImplementedError


@pytest.fixture
def both(tmp_path: Path, place: Found) -> Iterator[Any]:
    """A function: an index of this structure, opened for the GPU and, exactly, for the CPU."""
    opened: list[FaissRuntime] = []

    def index(structure: Any) -> tuple[FaissRuntime, FaissRuntime]:
        maker = Faiss(tmp_path / "index", Given(), structure, device="auto").open()
        maker.upsert([_document(number) for number in range(FIRST)])
        maker.close()
        opened.append(Faiss(tmp_path / "index", Given(), structure, device="cuda").open())
        opened.append(Faiss(tmp_path / "index", Given(), "flat", device="cpu").open())
        opened[1]._embedded.structure = lambda *_: None  # type: ignore[method-assign, assignment]
        return opened[0], opened[1]

    yield index
    for each in opened:
        each.close()


def test_exact_search_is_exact(both: Any) -> None:
    gpu, cpu = both("flat")
    queries = _vectors(40, 99)
    for wanted in FILTERS:
        scope = Scope(filter=wanted)
        assert _plain(gpu, queries, scope) == _plain(cpu, queries, scope)
    gpu.delete([f"d{number}" for number in range(0, FIRST, 3)])
    gpu.upsert([_document(FIRST + 1)])
    for wanted in FILTERS:
        scope = Scope(filter=wanted)
        assert _plain(gpu, queries, scope) == _plain(cpu, queries, scope)
    assert _plain(gpu, queries, Scope()) == [_plain(gpu, each[None], Scope())[0] for each in queries]
    gpu.compact()
    assert _plain(gpu, queries, Scope()) == _plain(cpu, queries, Scope())


@pytest.mark.parametrize("structure", ["ivf-pq", "ivf-sq8", "cagra"])
def test_structures_keep_their_recall_deletions_and_filters(both: Any, place: Found, structure: str) -> None:
    if structure == "cagra" and not place.graphs:
        pytest.skip("this FAISS is built without cuVS")
    gpu, cpu = both(structure)
    queries = _vectors(200, 99)
    gpu.delete([f"d{number}" for number in range(0, 40, 3)])
    gpu.upsert([_document(FIRST + 1)])
    for wanted in FILTERS:
        scope = Scope(filter=wanted)
        found, exact = (each.search_vector(queries, 10, scope=scope) for each in (gpu, cpu))
        assert all(len(each) == 10 for each in found)
        numbers = {hit.metadata["number"] for each in found for hit in each}
        assert not numbers & set(range(0, 40, 3))
        assert _recall(found, exact) >= 0.97


def _document(number: int) -> Change:
    texts = [f"passage {number} {each}" for each in range(PER_DOCUMENT)]
    text = "\n".join(texts)
    ends = np.cumsum([len(each) + 1 for each in texts]).tolist()
    chunks = [Chunk(f"d{number}", low, high - 1, text[low : high - 1]) for low, high in pairwise([0, *ends])]
    stored = Document(f"d{number}", text, {"number": number, "even": number % 2 == 0})
    return Change(f"d{number}", [Entry(stored, chunks, _vectors(PER_DOCUMENT, number + 1000))])


def _vectors(count: int, seed: int) -> Vectors:
    centres = np.random.default_rng(1).standard_normal((400, DIMENSIONS), np.float32)
    rng = np.random.default_rng(seed)
    found = centres[rng.integers(0, 400, count)] + 0.6 * rng.standard_normal((count, DIMENSIONS), np.float32)
    return found / np.linalg.norm(found, axis=1, keepdims=True)  # type: ignore[no-any-return]


def _plain(index: FaissRuntime, queries: Vectors, scope: Scope) -> list[list[tuple[str, float]]]:
    found = index.search_vector(queries, 10, scope=scope)
    return [[(hit.id, round(hit.score, 6)) for hit in hits] for hits in found]


def _recall(found: list[list[Hit]], exact: list[list[Hit]]) -> float:
    shared = [len({hit.id for hit in a} & {hit.id for hit in b}) for a, b in zip(found, exact, strict=True)]
    return sum(shared) / (10 * len(shared))
