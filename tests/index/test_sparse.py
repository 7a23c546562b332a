"""Sparse vectors kept in the index: searched exactly, and mended where they are damaged."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ragbraid.embed.protocol import SparseVector
from ragbraid.errors import IndexDamaged, IndexMismatch, IndexStoreError, InputError
from ragbraid.index.faiss import Faiss, FaissRuntime
from ragbraid.index.protocol import Change
from ragbraid.index.sparse import impacts
from ragbraid.retrieve.sparse import Sparse
from ragbraid.testing.hash_sparse_encoder import HashSparseEncoder
from ragbraid.testing.index import EMBEDDER, change
from ragbraid.testing.list_index import ListIndex
from ragbraid.testing.retriever import RetrieverConformance
from ragbraid.types import Scope
from soaking import count

WORDS = HashSparseEncoder().open()
TEXTS = {
    f"s{number}": [f"goat {number} on a hill", "a cow; a meadow", f"word{number}"] for number in range(8)
}


class TestSparse(RetrieverConformance):
    stage = "sparse"

    @pytest.fixture(autouse=True)
    def folder(self, tmp_path: Path) -> None:
        self.place = tmp_path / "index"

    def make(self, passages: dict[str, str]) -> Sparse:
        index = Faiss(self.place, sparse=WORDS).open()
        entries = [change(name, [text]).entries[0] for name, text in passages.items()]
        for each in entries:
            lexical = type(each)(each.document, each.chunks, None)
            index.upsert([Change(each.document.source, [lexical])])
        return Sparse(index)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "index"


@pytest.fixture(params=["in memory", "in a file"])
def index(
    request: pytest.FixtureRequest, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[FaissRuntime]:
    if request.param == "in a file":
        monkeypatch.setattr(impacts, "_ENOUGH", 3)
    opened = _opened(folder)
    opened.upsert([change(*each) for each in TEXTS.items()])
    assert (folder / "sparse" / "1").exists() == (request.param == "in a file")
    yield opened
    opened.close()


def test_filters_and_collections_hold(index: FaissRuntime) -> None:
    index.upsert([change("x", ["a goat 3"], metadata={"who": "boss"})])
    others, elsewhere = Scope(filter={"who": {"$exists": False}}), Scope("elsewhere")
    assert _found(index, "goat 3", 1)[0].source in ("x", "s3")
    assert len(_found(index, "goat 3", 99)) == 9
    assert {hit.source for hit in _found(index, "goat 3", 99, scope=others)} == set(TEXTS)
    assert [hit.source for hit in _found(index, "goat 3", 99, scope=Scope(filter={"who": "boss"}))] == ["x"]
    assert _found(index, "goat", scope=elsewhere) == []
    index.upsert([change("y", ["goat"])], scope=elsewhere)
    assert [hit.source for hit in _found(index, "goat", 99, scope=elsewhere)] == ["y"]
    assert len(_found(index, "goat 3", 99)) == 9


def test_equal_texts_are_embedded_once_and_contexts_with_them(folder: Path) -> None:
    embedder = HashSparseEncoder().open()
    index = Faiss(folder, EMBEDDER, sparse=embedder).open()
    index.upsert([change(*each) for each in TEXTS.items()])
    assert embedder.embedded == 17
    index.upsert([change("s1", ["a cow; a meadow", "new words"])])
    assert embedder.embedded == 18
    vectors = EMBEDDER.embed(["Sheep\na text"])
    index.upsert([change("x", ["a text"], vectors=vectors, context="Sheep")])
    assert [hit.source for hit in _found(index, "sheep")] == ["x"]
    index.close()


def test_where_they_lack_the_next_ingest_makes_them(folder: Path) -> None:
    index = Faiss(folder, EMBEDDER).open()
    given = [Change(name, change(name, texts).entries, "f", digest="d") for name, texts in TEXTS.items()]
    index.upsert(given)
    assert {each.digest for each in index.sources()} == {"d"}
    index.close()
    index = _opened(folder)
    with pytest.raises(IndexDamaged, match="24 chunks without a sparse vector, of 24"):
        _found(index, "goat")
    assert {each.digest for each in index.sources()} == {""}
    index.upsert(given[:3])
    assert [each.digest for each in index.sources()] == ["d"] * 3 + [""] * 5
    index.upsert(given)
    assert {each.digest for each in index.sources()} == {"d"}
    assert len(_found(index, "goat", 99)) == 8
    index.close()


def test_another_embedder_is_refused(index: FaissRuntime, folder: Path) -> None:
    other = Faiss(folder, EMBEDDER, sparse=HashSparseEncoder(99).open()).open()
    for ask in (
        lambda: other.known_vectors(()),
        lambda: other.search_sparse(WORDS.embed_sparse(["goat"]), 3),
        lambda: other.upsert([change("a", ["b"])]),
    ):
        with pytest.raises(IndexMismatch, match="sparse vectors of 'hash-sparse-encoder-30000'"):
            ask()
    without = Faiss(folder, EMBEDDER).open()
    with pytest.raises(InputError, match="keeps no sparse vectors"):
        without.search_sparse(WORDS.embed_sparse(["goat"]), 3)


def test_a_purge_leaves_no_byte_and_a_compaction_keeps_the_rest(index: FaissRuntime, folder: Path) -> None:
    secret = "mwqkzjtxvb"
    index.upsert([change("secret", [f"{secret} {each}" for each in range(9)])])
    (term,) = WORDS.embed_sparse([secret])[0].terms.tolist()
    row = np.int32(term).tobytes()
    assert row in _bytes(folder)
    index.purge(["secret"])
    assert row not in _bytes(folder)
    index.delete(["s0", "s3"])
    index.compact()
    assert index.check() == []
    assert [hit.source for hit in _found(index, "hill", 99)].count("s1") == 1
    assert len(_found(index, "hill", 99)) == 6
    index.drop("default")
    index.compact()
    assert not [*folder.glob("sparse/*")]


def test_a_snapshot_has_them_and_an_import_makes_them(index: FaissRuntime, tmp_path: Path) -> None:
    index.snapshot(tmp_path / "copy")
    index.export(tmp_path / "export")
    for name in ("copy", "imported"):
        other = _opened(tmp_path / name)
        if name == "imported":
            other.import_from(tmp_path / "export")
        assert [(hit.text, hit.score) for hit in _found(other, "goat 3")] == [
            (hit.text, hit.score) for hit in _found(index, "goat 3")
        ]
        assert other.check() == []
        other.close()


@pytest.mark.parametrize("seed", range(count(20, 1000)))
def test_a_flipped_bit_of_the_file_is_told_and_changes_no_answer(
    folder: Path, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(impacts, "_ENOUGH", 3)
    index = _opened(folder)
    index.upsert([change(*each) for each in TEXTS.items()])
    expected = [_found(index, each, 99) for each in ("goat 3 hill", "cow", "word1")]
    index.close()
    file, rng = folder / "sparse" / "1", random.Random(seed)
    data = bytearray(file.read_bytes())
    at = rng.randrange(76) if seed % 4 == 0 else rng.randrange(4096, len(data))
    if seed % 7 == 3:
        data = data[:at]
    else:
        data[at] ^= 1 << rng.randrange(8)
    file.write_bytes(data)
    again = _opened(folder)
    assert [_found(again, each, 99) for each in ("goat 3 hill", "cow", "word1")] == expected
    assert [each.part for each in again.check()] == ["sparse/1"]
    assert again.repair() == []
    assert [_found(again, each, 99) for each in ("goat 3 hill", "cow", "word1")] == expected
    again.close()


def test_a_damaged_row_is_told_and_made_anew(index: FaissRuntime, folder: Path) -> None:
    index.close()
    with sqlite3.connect(folder / "index.sqlite") as connection:
        connection.execute("UPDATE sparse SET vector = substr(vector, 1, 8) WHERE row = 1")
    connection.close()
    again = _opened(folder)
    assert [each.what for each in again.check()] == ["the sparse vectors of 1 chunk aren't what was stored"]
    assert again.repair() == []
    again.upsert([change("s0", TEXTS["s0"])])
    assert len(_found(again, "goat", 99)) == 8
    assert again.check() == []
    again.close()


def test_a_database_put_back_to_an_earlier_state_is_searched_as_it_is(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(impacts, "_ENOUGH", 3)
    index = _opened(folder)
    index.upsert([change("a", ["goat"])])
    index.snapshot(folder.with_name("before"))
    index.upsert([change(f"b{each}", ["cow"]) for each in range(9)])
    index.close()
    (folder / "index.sqlite").write_bytes((folder.with_name("before") / "index.sqlite").read_bytes())
    again = _opened(folder)
    assert _found(again, "cow") == []
    again.upsert([change(f"c{each}", ["goat hill"]) for each in range(9)])
    assert _found(again, "cow") == []
    assert len(_found(again, "goat", 99)) == 10
    again.close()


@pytest.mark.parametrize(
    ("terms", "weights"), [([2, 1], [1, 1]), ([1, 1], [1, 1]), ([-1], [1]), ([1], [np.nan]), ([1], [1, 2])]
)
def test_what_is_no_sparse_vector_is_refused(
    index: FaissRuntime, folder: Path, terms: list[int], weights: list[float]
) -> None:
    bad = SparseVector(np.array(terms, np.int32), np.array(weights, np.float32))
    with pytest.raises(InputError, match="The sparse vector of"):
        index.search_sparse([bad], 3)

    class Wrong:
        identity = WORDS.identity

        def embed_sparse(self, texts: list[str], *_: Any, **__: Any) -> list[SparseVector]:
            return [bad for _ in texts]

    other = Faiss(folder, EMBEDDER, sparse=Wrong()).open()
    with pytest.raises(InputError, match="The sparse vector of 'b'"):
        other.upsert([change("a", ["b"])])


@pytest.mark.parametrize("index", [Faiss(Path("x"), EMBEDDER), ListIndex(EMBEDDER)])
def test_an_index_without_them_is_refused_at_the_check(index: Any) -> None:
    with pytest.raises(IndexStoreError, match="keeps no sparse vectors"):
        Sparse(index)


def _opened(folder: Path) -> FaissRuntime:
    return Faiss(folder, EMBEDDER, sparse=WORDS).open()


def _found(index: FaissRuntime, question: str, k: int = 5, **scope: Any) -> list[Any]:
    return index.search_sparse(WORDS.embed_sparse([question], "query"), k, **scope)[0]


def _bytes(folder: Path) -> bytes:
    return b"".join(each.read_bytes() for each in folder.rglob("*") if each.is_file())
