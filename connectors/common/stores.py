"""What the index of every database connector does beyond what each index on disk must."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ragbraid.errors import IndexMismatch, IndexStoreError
from ragbraid.index.faiss import Faiss
from ragbraid.index.protocol import Change, Entry
from ragbraid.index.transfer import transfer
from ragbraid.testing.index import EMBEDDER, DurableIndexConformance, change
from ragbraid.types import Chunk, Document, Reading, Scope

QUESTIONS = [f"goat {i} {i % 7}" for i in range(0, 150, 4)]


def fill(index: Any, chunks: int) -> None:
    """Sources of every kind, in two collections."""
    document = Document(
        "ü.md",
        "😀 héllo\nगाय 山羊 \0",
        {"when": date(2024, 1, 31), "n": 2**60 + 7, "x": [1, 1.0, None, {"b": 1e22, "a": "\0"}]},
        (0, 8),
        ("odd",),
        2,
        "text/markdown",
        Reading("text", "utf-8", verbatim=True),
    )
    parts = [
        Chunk("ü.md", 0, 7, document.text[:7], {"n": True}, context="Greetings"),
        Chunk("ü.md", 8, len(document.text), document.text[8:], id="named"),
    ]
    entry = Entry(document, parts, EMBEDDER.embed(["Greetings\n" + parts[0].text, parts[1].text]))
    index.upsert([Change("o", [entry], "f", "s", "d", "m", size=30), Change("empty", [], "f")])
    rows = [change(f"t#{i:03}", [f"goat {i} {i % 7}"], metadata={"i": i}).entries[0] for i in range(chunks)]
    index.upsert([Change("t", rows, "f2", "s2", "d2", "m2")])
    long = "goat " * 30_000
    index.upsert([change("long", [long], vectors=EMBEDDER.embed(["goat"]))])
    index.upsert([replace(change("a", ["goat one", "cow"]), digest="d")], scope=Scope("it's two"))


def held(index: Any) -> list[Any]:
    """All that the protocol tells of an index, but for scores."""
    found: list[Any] = []
    for name in ("default", "it's two"):
        scope = Scope(name)
        for each in index.sources(metadata=True, scope=scope):
            hits = index.chunks(each.source, scope=scope)
            ids = [hit.id for hit in hits]
            found += [replace(each, stored_at=None), index.document(each.source, scope=scope), hits]
            found += [dict(index.contexts(ids, scope=scope)), index.vectors(ids, scope=scope).tolist()]
    return found


def demand_same_answers(ours: Any, theirs: Any) -> None:
    """Dense: the same top 10 but for ties within 1e-6. By words: the same chunks match, equally often."""
    vectors = EMBEDDER.embed(QUESTIONS, "query")
    for scope in (Scope(), Scope(filter={"i": {"$lt": 100}}), Scope(filter={"i": {"$in": [3, 4]}})):
        found, expected = (index.search_vector(vectors, 10, scope=scope) for index in (ours, theirs))
        for one, other in zip(found, expected, strict=True):
            assert np.allclose([hit.score for hit in one], [hit.score for hit in other], atol=1e-6)
            last = other[-1].score + 1e-6
            above = [{hit.id for hit in hits if hit.score > last} for hits in (one, other)]
            assert above[0] == above[1]
        for question in ("goat 7", '"goat 7"', "goat -7", "山羊", "greetings"):
            both = [
                index.search_text([question], 400, operators=True, scope=scope)[0] for index in (ours, theirs)
            ]
            assert {hit.id for hit in both[0]} == {hit.id for hit in both[1]}
        words = ["goat", "7"]
        assert ours.document_frequencies(words, scope=scope) == theirs.document_frequencies(
            words, scope=scope
        )


class StoreConformance(DurableIndexConformance):
    """Of an index in a database."""

    copied = 150
    """Chunks that are moved there and back."""

    def test_a_snapshot_is_an_index(self, tmp_path: Path) -> None:
        """It isn't: the database's own tools copy it, and the error says so."""
        index = self.open_index(tmp_path / "index")
        index.upsert([change("a", ["goat"])])
        with pytest.raises(IndexStoreError, match="index copy"):
            index.snapshot(tmp_path / "copy")
        index.close()

    def test_moved_from_faiss_and_back(self, tmp_path: Path) -> None:
        first, last = (Faiss(tmp_path / each, EMBEDDER).open() for each in ("first", "last"))
        fill(first, self.copied)
        between = self.open_index(tmp_path / "index")
        calls = EMBEDDER.calls
        transfer(first, between)
        transfer(between, last)
        assert EMBEDDER.calls == calls
        assert repr(held(first)) == repr(held(between)) == repr(held(last))
        assert between.collections() == ["default", "it's two"]
        demand_same_answers(between, first)
        for each in (first, between, last):
            each.close()

    def test_of_another_embedder(self, tmp_path: Path) -> None:
        index = self.open_index(tmp_path / "index")
        index.upsert([change("a", ["goat"])])
        index._embedder = None  # as if the pipeline gave none
        with pytest.raises(IndexMismatch, match="was built by the embedder"):
            index.known_vectors([])
        index.close()
