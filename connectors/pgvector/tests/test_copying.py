"""What moves between `faiss` and PostgreSQL comes back as it was, also where the copy is killed."""

from __future__ import annotations

import subprocess
import sys
import time
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ragbraid_pgvector import PgVector

from ragbraid.index.faiss import Faiss, FaissRuntime
from ragbraid.index.protocol import Change, Entry
from ragbraid.index.transfer import transfer
from ragbraid.secret import Secret
from ragbraid.testing.index import EMBEDDER, change
from ragbraid.types import Chunk, Document, Reading, Scope

QUESTIONS = [f"goat {i} {i % 7}" for i in range(0, 300, 3)]


def fill(index: Any) -> None:
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
    chunks = [
        Chunk("ü.md", 0, 7, document.text[:7], {"n": True}, context="Greetings"),
        Chunk("ü.md", 8, len(document.text), document.text[8:], id="named"),
    ]
    entry = Entry(document, chunks, EMBEDDER.embed(["Greetings\n" + chunks[0].text, chunks[1].text]))
    index.upsert([Change("o", [entry], "f", "s", "d", "m", size=30), Change("empty", [], "f")])
    rows = [change(f"t#{i:03}", [f"goat {i} {i % 7}"], metadata={"i": i}).entries[0] for i in range(300)]
    index.upsert([Change("t", rows, "f2", "s2", "d2", "m2")])
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


@pytest.fixture
def source(tmp_path: Path) -> Any:
    opened = Faiss(tmp_path / "source", EMBEDDER).open()
    fill(opened)
    yield opened
    opened.close()


def test_there_and_back(source: FaissRuntime, url: str, schema: str, tmp_path: Path) -> None:
    calls = EMBEDDER.calls
    middle = PgVector(Secret(url), EMBEDDER, schema).open()
    back = Faiss(tmp_path / "back", EMBEDDER).open()
    transfer(source, middle, batch=64)
    transfer(middle, back, batch=64)
    assert EMBEDDER.calls == calls
    assert repr(held(source)) == repr(held(middle)) == repr(held(back))
    middle.close()
    back.close()


def test_the_same_answers(source: FaissRuntime, url: str, schema: str) -> None:
    """Dense: the same top 10 but for ties within 1e-6. By words: the same chunks match."""
    middle = PgVector(Secret(url), EMBEDDER, schema, "exact").open()
    transfer(source, middle)
    vectors = EMBEDDER.embed(QUESTIONS, "query")
    for scope in (Scope(), Scope(filter={"i": {"$lt": 100}})):
        ours = middle.search_vector(vectors, 10, scope=scope)
        theirs = source.search_vector(vectors, 10, scope=scope)
        for one, other in zip(ours, theirs, strict=True):
            assert np.allclose([hit.score for hit in one], [hit.score for hit in other], atol=1e-6)
            last = other[-1].score + 1e-6
            assert {hit.id for hit in one if hit.score > last} == {
                hit.id for hit in other if hit.score > last
            }
        for question in ("goat 7", '"goat 7"', "goat -7", "山羊", "greetings"):
            found = [
                {hit.id for hit in index.search_text([question], 400, operators=True, scope=scope)[0]}
                for index in (middle, source)
            ]
            assert found[0] == found[1]
        assert middle.document_frequencies(["goat", "7"], scope=scope) == source.document_frequencies(
            ["goat", "7"], scope=scope
        )
    middle.close()


COPY = """
import sys
from pathlib import Path
from ragbraid.index.faiss import Faiss
from ragbraid.index.transfer import transfer
from ragbraid.secret import Secret
from ragbraid.testing.index import EMBEDDER
from ragbraid_pgvector import PgVector
source = Faiss(Path(sys.argv[1]), EMBEDDER).open()
target = PgVector(Secret(sys.argv[2]), EMBEDDER, sys.argv[3]).open()
print("begun", flush=True)
transfer(source, target, batch=8)
"""


def test_killed_again_and_again(source: FaissRuntime, url: str, schema: str, tmp_path: Path) -> None:
    script = tmp_path / "copying.py"
    script.write_text(COPY, "utf-8")
    for pause in (0.0, 0.05, 0.15):
        process = subprocess.Popen(
            [sys.executable, str(script), str(tmp_path / "source"), url, schema],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        assert process.stdout.readline() == "begun\n"
        time.sleep(pause)
        process.kill()
        process.wait()
        process.stdout.close()
    target = PgVector(Secret(url), EMBEDDER, schema).open()
    transfer(source, target)
    assert repr(held(target)) == repr(held(source))
    target.close()
