"""An index as files that other programs read, and back again."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ragbraid.errors import IndexDamaged, IndexMismatch, InputError
from ragbraid.index.faiss import Faiss, FaissRuntime
from ragbraid.index.importing import import_from
from ragbraid.index.protocol import Change, Entry
from ragbraid.testing import HashEmbedder, ListIndex
from ragbraid.testing.index import EMBEDDER, change, embedded
from ragbraid.types import Chunk, Document, Scope

OTHER = Scope(collection="second")


@pytest.fixture
def index(tmp_path: Path) -> Iterator[FaissRuntime]:
    opened = Faiss(tmp_path / "index", EMBEDDER).open()
    opened.upsert([change(f"s{number}", [f"goat {number}", f"cow {number}"]) for number in range(9)])
    text = "First page.\fSecond page: größer als 漢."
    chunks = [
        Chunk("book", 0, 11, text[:11]),
        Chunk("book", 12, len(text), text[12:], {"n": 2}, "own id", "Title"),
    ]
    metadata = {"on": date(2026, 1, 2), "tags": ["a", None], "deep": {"x": 1.5, "big": 2**60}}
    document = Document("book", text, metadata, (0, 12), ("a warning",), 3, "application/pdf")
    entry = Entry(document, chunks, EMBEDDER.embed([each.text for each in chunks]))
    opened.upsert([Change("book.pdf", [entry], "f", "s", "d", "m")])
    opened.upsert([Change("empty.txt", [], "f2")])
    opened.upsert([change("other", ["a goat elsewhere"])], scope=OTHER)
    opened.delete(["s3"])
    yield opened
    opened.close()


def everything(index: Any) -> object:
    def of(scope: Scope) -> object:
        sources = list(index.sources(metadata=True, scope=scope))
        ids = sorted(hit.id for each in sources for hit in index.chunks(each.source, scope=scope))
        return (
            sources,
            [index.document(each.source, scope=scope) for each in sources],
            [index.chunks(each.source, scope=scope) for each in sources],
            index.vectors(ids, scope=scope).tolist(),
            [hit.id for hit in index.search_vector(embedded("goat 4"), 5, scope=scope)[0]],
            [hit.id for hit in index.search_text(["title"], 5, scope=scope)[0]],
        )

    return of(Scope()), of(OTHER)


def test_all_of_it_comes_back(index: FaissRuntime, tmp_path: Path) -> None:
    counted = index.export(tmp_path / "out")
    assert [(each.name, each.sources, each.chunks) for each in counted] == [
        ("default", 9, 18),
        ("second", 1, 1),
    ]
    again = Faiss(tmp_path / "again", EMBEDDER).open()
    assert again.import_from(tmp_path / "out") == counted
    assert everything(again) == everything(index)
    assert again.check() == []
    assert again.import_from(tmp_path / "out") == counted  # as after an interruption
    assert everything(again) == everything(index)
    again.close()


def test_any_index_takes_it(index: FaissRuntime, tmp_path: Path) -> None:
    index.export(tmp_path / "out")
    memory = ListIndex(EMBEDDER).open()
    import_from(memory, tmp_path / "out")
    assert memory.document("book") == index.document("book")
    assert memory.count() == index.count()


def test_other_programs_read_it(index: FaissRuntime, tmp_path: Path) -> None:
    index.export(tmp_path / "out")
    written = (tmp_path / "out" / "documents.jsonl").read_text("utf-8")
    lines = [json.loads(each) for each in written.removesuffix("\n").split("\n")]
    matrix = np.load(tmp_path / "out" / "vectors.npy", allow_pickle=False)
    (book,) = (each for each in lines if each["origin"] == "book.pdf")
    first, second = book["chunks"]
    assert book["document"]["text"][second["start"] : second["end"]] == "Second page: größer als 漢."
    assert (first["page"], second["page"], second["context"]) == (1, 2, "Title")
    assert second["metadata"]["on"]["$date"] == "2026-01-02"
    assert np.array_equal(matrix[second["vector"]], EMBEDDER.embed(["Second page: größer als 漢."])[0])
    head = json.loads((tmp_path / "out" / "export.json").read_text("utf-8"))
    assert (head["ragbraid_export"], head["embedder"], head["dimensions"]) == (1, EMBEDDER.identity, 16)
    assert matrix.shape == (19, 16)


@pytest.mark.parametrize("name", ["documents.jsonl", "vectors.npy"])
def test_a_damaged_one_is_refused_before_anything_is_stored(
    name: str, index: FaissRuntime, tmp_path: Path
) -> None:
    index.export(tmp_path / "out")
    content = bytearray((tmp_path / "out" / name).read_bytes())
    content[-9] ^= 1
    (tmp_path / "out" / name).write_bytes(content)
    again = Faiss(tmp_path / "again", EMBEDDER).open()
    with pytest.raises(InputError, match=re.escape(name)):
        again.import_from(tmp_path / "out")
    assert list(again.sources()) == []


def test_another_embedders_is_refused(index: FaissRuntime, tmp_path: Path) -> None:
    index.export(tmp_path / "out")
    with pytest.raises(IndexMismatch, match=re.escape(EMBEDDER.identity)):
        Faiss(tmp_path / "again", HashEmbedder(dimensions=32).open()).open().import_from(tmp_path / "out")


def test_an_index_of_words_takes_the_texts(index: FaissRuntime, tmp_path: Path) -> None:
    index.export(tmp_path / "out")
    words = Faiss(tmp_path / "words").open()
    words.import_from(tmp_path / "out")
    assert words.count() == index.count()
    assert words.search_text(["title"], 1)[0][0].id == "own id"
    words.export(tmp_path / "words out")
    assert not (tmp_path / "words out" / "vectors.npy").exists()
    words.close()


def test_a_newer_one_is_refused(index: FaissRuntime, tmp_path: Path) -> None:
    index.export(tmp_path / "out")
    head = tmp_path / "out" / "export.json"
    head.write_text(head.read_text("utf-8").replace('"ragbraid_export": 1', '"ragbraid_export": 2'), "utf-8")
    with pytest.raises(InputError, match="version 2"):
        index.import_from(tmp_path / "out")


def test_what_is_damaged_is_not_exported(index: FaissRuntime, tmp_path: Path) -> None:
    with (tmp_path / "index" / "vectors.f32").open("r+b") as file:
        file.seek(4096 + 3)
        file.write(b"\xee")
    with pytest.raises(IndexDamaged):
        index.export(tmp_path / "out")
    assert [each.name for each in tmp_path.iterdir()] == ["index"]
