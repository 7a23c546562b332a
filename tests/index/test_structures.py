"""Structures over many vectors: what they find, beside exact search, and what becomes of them."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from ragbraid.index.faiss import Faiss, FaissRuntime
from ragbraid.index.protocol import Change, Entry
from ragbraid.index.structure.names import Name
from ragbraid.types import Chunk, Document, Hit, Scope, Vectors
from soaking import FULL

DIMENSIONS = 16
PER_DOCUMENT = 1000
FIRST = 52
"""Documents that are there before a structure is made over them."""
KINDS: tuple[Name, ...] = ("auto", "sq8", "rabitq", *(("ivf-pq", "hnsw") if FULL else ()))


_ALL = Scope()


class Numbers:
    """An embedder by name alone: the tests bring their vectors."""

    identity = "numbers"
    dimensions = DIMENSIONS

    def __call__(self, texts: object) -> Vectors:
        raise NotImplementedError


def vectors(count: int, seed: int, spread: float = 0.4) -> Vectors:
    """Vectors in clusters, as those of texts are."""
    rng = np.random.default_rng(seed)
    centres = np.random.default_rng(0).standard_normal((300, DIMENSIONS))
    found = centres[rng.integers(0, len(centres), count)] + spread * rng.standard_normal((count, DIMENSIONS))
    return (found / np.linalg.norm(found, axis=1, keepdims=True)).astype(np.float32)


def document(number: int, spread: float = 0.4) -> Change:
    words = [f"passage {number} {each}" for each in range(PER_DOCUMENT)]
    text = "\n".join(words)
    ends = np.cumsum([len(each) + 1 for each in words]).tolist()
    chunks = [
        Chunk(f"d{number}", start, end - 1, text[start : end - 1]) for start, end in pairwise([0, *ends])
    ]
    stored = Document(f"d{number}", text, {"number": number, "even": number % 2 == 0})
    return Change(f"d{number}", [Entry(stored, chunks, vectors(PER_DOCUMENT, number + 1, spread))])


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("structures") / "index"
    index = Faiss(folder, Numbers(), "flat").open()
    index.upsert([document(number) for number in range(FIRST)])
    index.close()
    return folder


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    return shutil.copytree(made, tmp_path / "index")


@pytest.fixture
def index(folder: Path) -> Iterator[FaissRuntime]:
    opened = Faiss(folder, Numbers()).open()
    opened.upsert([document(FIRST)])
    yield opened
    opened.close()


def exactly(folder: Path, queries: Vectors, k: int, scope: Scope = _ALL) -> list[list[Hit]]:
    """What is found without a structure."""
    bare = folder.with_name("bare")
    shutil.copytree(folder, bare)
    shutil.rmtree(bare / "dense", ignore_errors=True)
    index = Faiss(bare, Numbers(), "flat").open()
    found = index.search_vector(queries, k, scope=scope)
    index.close()
    shutil.rmtree(bare)
    return found


def recall(found: list[list[Hit]], wanted: list[list[Hit]]) -> float:
    shares = [
        len({each.id for each in f} & {each.id for each in w}) / len(w)
        for f, w in zip(found, wanted, strict=True)
    ]
    return sum(shares) / len(shares)


@pytest.mark.parametrize("name", KINDS)
def test_a_structure_finds_what_was_asked_of_it(name: Name, folder: Path) -> None:
    index = Faiss(folder, Numbers(), name, recall=0.95).open()
    index.upsert([document(FIRST)])
    made = index.stats().structure
    assert made.kind == ("ivf-sq8" if name == "auto" else name)
    assert made.covered == (FIRST + 1) * PER_DOCUMENT
    assert made.recall >= made.asked == 0.95
    queries = vectors(100, 999)
    found, wanted = index.search_vector(queries, 10), exactly(folder, queries, 10)
    assert recall(found, wanted) >= 0.93
    for hits, right in zip(found, wanted, strict=True):
        scores = {hit.id: hit.score for hit in right}
        assert all(hit.score == scores.get(hit.id, hit.score) for hit in hits)
    index.close()


def test_recall_that_none_reaches_leaves_it_flat(tmp_path: Path) -> None:
    folder = tmp_path / "index"
    index = Faiss(folder, Numbers(), "rabitq", recall=1.0).open()
    index.upsert([document(number, spread=9.0) for number in range(FIRST)])
    made = index.stats().structure
    assert (made.kind, made.asked) == ("flat", 1.0)
    assert 0 < made.recall < 1
    queries = vectors(5, 999)
    assert index.search_vector(queries, 10) == exactly(folder, queries, 10)
    index.close()


@pytest.mark.parametrize("wanted", [{"number": 7}, {"number": {"$lt": 30}}, {"even": True}, {"number": -1}])
def test_filters_are_exact(wanted: dict[str, object], index: FaissRuntime, folder: Path) -> None:
    scope = Scope(filter=wanted)
    queries = vectors(20, 998)
    found, right = index.search_vector(queries, 10, scope=scope), exactly(folder, queries, 10, scope)
    assert [len(each) for each in found] == [len(each) for each in right]
    assert not right[0] or recall(found, right) >= 0.98
    ids = {
        hit.id
        for source in {hit.source for hits in found for hit in hits}
        for hit in index.chunks(source, scope=scope)
    }
    assert {hit.id for hits in found for hit in hits} <= ids


def test_as_many_come_back_as_are_asked_for(index: FaissRuntime) -> None:
    assert [len(each) for each in index.search_vector(vectors(2, 3), 3000)] == [3000, 3000]
    assert len(index.search_vector(vectors(1, 3), 60_000)[0]) == (FIRST + 1) * PER_DOCUMENT


def test_changes_show_at_once(index: FaissRuntime, folder: Path) -> None:
    (near,) = index.search_vector(vectors(PER_DOCUMENT, 5)[:1], 1)  # of the document 4
    assert near[0].source == "d4"
    index.delete(["d4"])
    assert index.search_vector(vectors(PER_DOCUMENT, 5)[:1], 1)[0][0].source != "d4"
    index.upsert([document(200)])
    assert index.search_vector(vectors(PER_DOCUMENT, 201)[:1], 1)[0][0].source == "d200"
    other = Faiss(folder, Numbers()).open()
    assert other.search_vector(vectors(PER_DOCUMENT, 201)[:1], 1)[0][0].source == "d200"
    other.close()


def test_a_collection_holds_its_own(index: FaissRuntime) -> None:
    aside = Scope(collection="aside")
    index.upsert([document(300)], scope=aside)
    query = vectors(PER_DOCUMENT, 301)[:1]
    assert {hit.source for hit in index.search_vector(query, 50, scope=aside)[0]} == {"d300"}
    assert "d300" not in {hit.source for hit in index.search_vector(query, 50)[0]}


def test_a_reader_uses_what_a_writer_makes(index: FaissRuntime, folder: Path) -> None:
    reader = Faiss(folder, Numbers()).open()
    reader.search_vector(vectors(1, 1), 10)
    index.upsert([document(number) for number in range(400, 420)])
    made = index.stats().structure
    assert (made.covered, made.segments) == ((FIRST + 21) * PER_DOCUMENT, 1)
    queries = vectors(50, 997)
    assert recall(reader.search_vector(queries, 10), exactly(folder, queries, 10)) >= 0.97
    reader.close()


@pytest.mark.parametrize("place", [10, -10])
def test_a_damaged_structure_is_found_and_made_anew(place: int, index: FaissRuntime, folder: Path) -> None:
    queries = vectors(20, 996)
    index.close()
    (file,) = folder.glob("dense/*.faiss")
    content = bytearray(file.read_bytes())
    content[place] ^= 16
    file.write_bytes(content)
    assert recall(index.search_vector(queries, 10), exactly(folder, queries, 10)) >= 0.98
    assert [each.part for each in index.check()] == [f"dense/{file.name}"]
    assert index.repair() == []
    assert index.stats().structure.kind == "ivf-sq8"


@pytest.mark.parametrize("damage", ["cut", "flipped", "another's"])
def test_damaged_rows_are_read_anew(damage: str, index: FaissRuntime, folder: Path, tmp_path: Path) -> None:
    queries = vectors(5, 995)
    wanted = index.search_vector(queries, 10)
    index.close()
    file = folder / "rows" / "1"
    content = bytearray(file.read_bytes())
    if damage == "flipped":
        content[5000] ^= 1
    if damage == "another's":
        content[12:28] = b"0123456789abcdef"
    file.write_bytes(content[:-8] if damage == "cut" else content)
    assert index.search_vector(queries, 10) == wanted
    assert [each.part for each in index.check()] == ["rows/1"]
    assert index.repair() == []


def test_what_belongs_to_an_older_state_is_not_used(index: FaissRuntime, folder: Path) -> None:
    """Database and vectors put back from a copy, beside the structure of what came after it."""
    index.snapshot(folder.with_name("copy"))
    index.upsert([document(number) for number in range(500, 520)])
    index.close()
    for name in ("index.sqlite", "vectors.f32"):
        (folder / name).unlink()
        shutil.copy(folder.with_name("copy") / name, folder / name)
    for each in folder.glob("index.sqlite-*"):
        each.unlink()
    index.upsert([document(number) for number in range(600, 620)])
    queries = vectors(50, 994)
    assert recall(index.search_vector(queries, 10), exactly(folder, queries, 10)) >= 0.97
    assert index.check() == []
