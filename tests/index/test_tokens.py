"""The vectors of chunks' tokens, kept in the index: what is read is what would be made, or nothing."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ragbraid.answer.quote import Quote
from ragbraid.errors import IndexDamaged
from ragbraid.index.faiss import Faiss, FaissRuntime
from ragbraid.index.protocol import Change, Entry
from ragbraid.index.tokens.packing import packed, unpacked
from ragbraid.rerank.maxsim import Maxsim
from ragbraid.testing.hash_embedder import HashEmbedder
from ragbraid.testing.hash_sparse_encoder import HashSparseEncoder
from ragbraid.testing.index import EMBEDDER, DurableIndexConformance, change
from ragbraid.types import Chunk, Document, Scope
from soaking import count

OTHER = HashEmbedder(dimensions=24).open()
TEXTS = {
    f"s{number}": [f"goat {number} on a hill", "a cow; a meadow", f"word{number}"] for number in range(8)
}


class TestFaissWithTokensAndSparseVectors(DurableIndexConformance):
    large = count(5_000, 60_000)

    def open_index(self, folder: Path) -> FaissRuntime:
        return Faiss(folder, EMBEDDER, tokens=EMBEDDER, sparse=HashSparseEncoder().open()).open()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "index"


@pytest.fixture
def index(folder: Path) -> Iterator[FaissRuntime]:
    opened = _opened(folder)
    opened.upsert([change(*each) for each in TEXTS.items()])
    yield opened
    opened.close()


def test_what_is_read_is_what_would_be_made(index: FaissRuntime, folder: Path) -> None:
    _holds_all(index)
    index.upsert([change("s1", ["a cow; a meadow", "new words"])])
    index.delete(["s2"])
    _holds_all(index)
    again = _opened(folder)
    _holds_all(again)
    assert again.check() == index.check() == []
    again.close()
    without = Faiss(folder, EMBEDDER).open()
    assert without.stored_tokens(_ids(without)) == {}
    without.close()


def test_equal_texts_share_their_tokens(index: FaissRuntime, folder: Path) -> None:
    size = (folder / "tokens.i8").stat().st_size
    words = 8 * (5 + 1) + 5  # "a cow; a meadow" once
    assert size == 4096 + words * (EMBEDDER.dimensions + 4)
    assert index.stats().bytes["tokens"] == size
    index.upsert([change("twin", TEXTS["s0"])])
    assert (folder / "tokens.i8").stat().st_size == size
    _holds_all(index)


def test_a_scope_holds(index: FaissRuntime) -> None:
    ids = _ids(index)
    index.upsert([change("x", ["a secret"], id="x", metadata={"who": "boss"})])
    assert set(index.stored_tokens([*ids, "x", "nobody"])) == {*ids, "x"}
    assert "x" not in index.stored_tokens([*ids, "x"], scope=Scope(filter={"who": {"$exists": False}}))
    assert index.stored_tokens(ids, scope=Scope("elsewhere")) == {}


def test_tokens_are_of_the_text_without_its_context(index: FaissRuntime) -> None:
    vectors = EMBEDDER.embed(["Goats\na text"])
    index.upsert([change("x", ["a text"], vectors=vectors, context="Goats", id="x")])
    assert index.stored_tokens(["x"])["x"].offsets == [(0, 1), (2, 6)]
    entry = Entry(Document("y", "other"), [Chunk("y", 0, 5, "other", id="y")], vectors, ["Goats\na text"])
    index.upsert([Change("y", [entry])])
    assert index.stored_tokens(["y"]) == {}  # the same vector, and another text


def test_where_they_lack_the_next_ingest_makes_them(folder: Path) -> None:
    index = Faiss(folder, EMBEDDER).open()
    first = _digested()
    index.upsert(first)
    assert {each.digest for each in index.sources()} == {"d"}
    index.close()
    index = _opened(folder)
    assert {each.digest for each in index.sources()} == {""}
    index.upsert(first[:3])
    assert [each.digest for each in index.sources()] == ["d"] * 3 + [""] * 5
    index.upsert(first)
    assert {each.digest for each in index.sources()} == {"d"}
    _holds_all(index)
    index.close()


def test_a_compaction_and_a_purge_keep_those_of_what_is_left(index: FaissRuntime, folder: Path) -> None:
    secret = "mwqkzjtxvb"
    index.upsert([change("secret", [f"of {secret}"])])
    row = packed(secret, EMBEDDER.token_vectors([secret])[0]).rows.tobytes()
    assert row in _bytes(folder)
    index.purge(["secret"])
    assert row not in _bytes(folder)
    _holds_all(index)
    index.delete(["s0", "s3"])
    index.compact()
    _holds_all(index)
    assert index.check() == []
    assert len([*folder.glob("tokens*.i8")]) == 1


def test_many_blocks_are_kept(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ragbraid.index.tokens.store._AT_ONCE", 1024)
    index = _opened(folder)
    index.upsert([change(f"s{each}", [" ".join(["goat", "cow"] * 100), f"hill {each}"]) for each in range(9)])
    index.upsert([change(f"t{each}", [" ".join([f"goat{each}"] * 200)]) for each in range(20)])
    index.delete(["s1", "t2", "t3"])
    index.compact()
    _holds_all(index)
    assert index.check() == []
    index.close()


def test_a_torn_file_costs_no_more_than_time(index: FaissRuntime, folder: Path) -> None:
    file = folder / "tokens.i8"
    whole = file.read_bytes()
    for damaged in (whole[:-3], whole[:4096], whole[:100], b"", whole[:-1] + bytes([whole[-1] ^ 1])):
        file.write_bytes(damaged)
        again = _opened(folder)
        assert again.stored_tokens(_ids(again)) == {}
        assert [each.part for each in again.check()] == ["tokens.i8"]
        again.close()
    file.unlink()
    assert index.stored_tokens(_ids(index)) == {}
    index.upsert([change("late", ["a late text"])])
    assert len(index.stored_tokens(_ids(index))) == 1
    index.upsert([change(*each) for each in TEXTS.items()])
    _holds_all(index)
    assert index.check() == []


@pytest.mark.parametrize("seed", range(count(25, 1000)))
def test_a_flipped_bit_is_told_and_mended(index: FaissRuntime, folder: Path, seed: int) -> None:
    file, rng = folder / "tokens.i8", random.Random(seed)
    data = bytearray(file.read_bytes())
    at = rng.randrange(36) if seed % 5 == 0 else rng.randrange(4096, len(data))
    data[at] ^= 1 << rng.randrange(8)
    file.write_bytes(data)
    assert {each.part for each in index.check()} == {"tokens.i8"}
    assert {each.part for each in index.repair()} <= {"tokens.i8"}
    index.upsert([change(*each) for each in TEXTS.items()])
    _holds_all(index)
    assert index.check() == []


def test_a_snapshot_has_them_and_an_import_makes_them(
    index: FaissRuntime, folder: Path, tmp_path: Path
) -> None:
    index.snapshot(tmp_path / "copy")
    index.export(tmp_path / "export")
    for name in ("copy", "imported"):
        other = _opened(tmp_path / name)
        if name == "imported":
            other.import_from(tmp_path / "export")
        _holds_all(other)
        assert other.check() == []
        other.close()
    data = bytearray((folder / "tokens.i8").read_bytes())
    data[5000] ^= 1
    (folder / "tokens.i8").write_bytes(data)
    with pytest.raises(IndexDamaged, match="token vectors"):
        index.snapshot(tmp_path / "another")
    assert not (tmp_path / "another").exists()


def test_another_embedder_has_its_own(index: FaissRuntime, folder: Path) -> None:
    other = Faiss(folder, OTHER, tokens=OTHER).open()
    list(other.migrate())
    assert other.stored_tokens(_ids(other)) == {}
    for each in TEXTS.items():
        other.upsert([change(*each, vectors=OTHER.embed(each[1]))])
    _holds_all(other, OTHER)
    assert len([*folder.glob("tokens*.i8")]) == 2
    other.compact()
    assert len([*folder.glob("tokens*.i8")]) == 1
    _holds_all(other, OTHER)
    assert other.check() == []
    other.close()


def test_steps_that_compare_tokens_read_them(index: FaissRuntime, monkeypatch: Any) -> None:
    hits = index.search_text(["goat cow word3"], 30)[0]
    question = "a goat on a hill"
    made = (Maxsim(EMBEDDER)(question, hits, 5), Quote(embedder=EMBEDDER).why(question, hits))
    asked: list[str] = []
    make = type(EMBEDDER).token_vectors
    monkeypatch.setattr(
        type(EMBEDDER), "token_vectors", lambda self, texts, **rest: asked.extend(texts) or make(self, texts)
    )
    read = (
        Maxsim(EMBEDDER, index=index)(question, hits, 5),
        Quote(embedder=EMBEDDER, index=index).why(question, hits),
    )
    assert asked == [question, question]
    assert [each.text for each in made[0]] == [each.text for each in read[0]]
    assert np.allclose([each.score for each in made[0]], [each.score for each in read[0]], atol=5e-3)
    assert [each.text for each in made[1]] == [each.text for each in read[1]]


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (lambda: Faiss(Path("x"), EMBEDDER, tokens=OTHER), "another embedder"),
        (lambda: Faiss(Path("x"), tokens=EMBEDDER), "another embedder"),
        (lambda: Maxsim(EMBEDDER, index=Faiss(Path("x"), EMBEDDER)), "keeps no token vectors"),
        (lambda: Maxsim(OTHER, index=Faiss(Path("x"), EMBEDDER, tokens=EMBEDDER)), "another embedder"),
        (lambda: Quote(embedder=EMBEDDER, index=Faiss(Path("x"), EMBEDDER)), "keeps no token vectors"),
    ],
)
def test_what_does_not_go_together_is_refused(made: Any, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        made()


@settings(max_examples=count(60, 2000), deadline=None)
@given(text=st.text(max_size=40), scale=st.floats(1e-3, 1e3))
def test_packing_keeps_ids_and_offsets_and_nearly_the_vectors(text: str, scale: float) -> None:
    tokens = EMBEDDER.token_vectors([text])[0]
    tokens.vectors = tokens.vectors * np.float32(scale)
    kept = packed(text, tokens)
    found = unpacked(kept.rows, kept.layout)
    assert (found.ids, found.offsets) == (tokens.ids, tokens.offsets)
    assert found.vectors.dtype == np.float32
    assert np.allclose(found.vectors, tokens.vectors, atol=scale / 127)


def _opened(folder: Path) -> FaissRuntime:
    return Faiss(folder, EMBEDDER, tokens=EMBEDDER).open()


def _ids(index: FaissRuntime) -> list[str]:
    return [hit.id for each in index.sources() for hit in index.chunks(each.source)]


def _holds_all(index: FaissRuntime, embedder: Any = EMBEDDER) -> None:
    hits = index.get(_ids(index))
    found = index.stored_tokens([hit.id for hit in hits])
    assert set(found) == {hit.id for hit in hits}
    for hit, wanted in zip(hits, embedder.token_vectors([hit.text for hit in hits]), strict=True):
        assert found[hit.id].offsets == wanted.offsets
        assert found[hit.id].ids == wanted.ids
        assert np.allclose(found[hit.id].vectors, wanted.vectors, atol=0.005)


def _digested() -> list[Change]:
    return [Change(name, change(name, texts).entries, "f", digest="d") for name, texts in TEXTS.items()]


def _bytes(folder: Path) -> bytes:
    return b"".join(each.read_bytes() for each in folder.rglob("*") if each.is_file())
