"""Another embedder takes the place of an index's own, while it is searched and written to."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from ragbraid.errors import IndexMismatch, InputError
from ragbraid.index.faiss import Faiss, FaissRuntime
from ragbraid.index.protocol import Change, Entry
from ragbraid.testing import HashEmbedder
from ragbraid.testing.index import EMBEDDER, change, embedded
from ragbraid.types import Chunk, Document, Vectors
from soaking import count

NEW = HashEmbedder(dimensions=48).open()


def make(source: str, texts: Sequence[str], embedder: object = EMBEDDER) -> object:
    vectors: Vectors = embedder.embed(texts)  # type: ignore[attr-defined]
    return change(source, texts, vectors=vectors)


@pytest.fixture
def old(tmp_path: Path) -> Iterator[FaissRuntime]:
    index = Faiss(tmp_path / "index", EMBEDDER).open()
    for first in range(0, 3000, 1000):
        texts = [f"goat {number} of herd {number % 7}" for number in range(first, first + 1000)]
        index.upsert([make(f"s{first}", texts)])
    index.upsert([make("gone", ["a cow that is gone"]), make("twin", ["goat 5 of herd 5"])])
    index.delete(["gone"])
    yield index
    index.close()


@pytest.fixture
def new(tmp_path: Path) -> Iterator[FaissRuntime]:
    index = Faiss(tmp_path / "index", NEW).open()
    yield index
    index.close()


def answers_as_if_ingested(index: FaissRuntime, embedder: object) -> None:
    ids = sorted(hit.id for each in index.sources() for hit in index.chunks(each.source))
    texts = [hit.text for hit in index.get(ids)]
    stored = index.vectors(ids)
    assert np.allclose(stored, embedder.embed(texts))  # type: ignore[attr-defined]
    query = embedder.embed(["goat 1234 of herd 2"])  # type: ignore[attr-defined]
    assert index.search_vector(query, 1)[0][0].text == "goat 1234 of herd 2"
    assert index.check() == []


def test_it_is_searched_as_before_until_it_switches(old: FaissRuntime, new: FaissRuntime) -> None:
    query = NEW.embed(["goat 7 of herd 0"])
    steps = new.migrate()
    assert next(steps) == (0, 3001)
    assert next(steps) == (1024, 3001)
    with pytest.raises(IndexMismatch, match="ragbraid index migrate"):
        new.search_vector(query, 1)
    old.upsert([make("more", ["a sheep that came meanwhile"])])
    old.delete(["s2000"])
    assert old.search_vector(embedded("goat 7 of herd 0"), 1)[0][0].text == "goat 7 of herd 0"
    assert old.check() == []
    assert [done for done, _ in steps] == [2048, 3001]
    assert new.search_vector(NEW.embed(["a sheep that came meanwhile"]), 1)[0][0].source == "more"
    answers_as_if_ingested(new, NEW)
    # Whoever has the former one open goes on searching until something is stored by the new one.
    assert old.search_vector(embedded("goat 7 of herd 0"), 1)[0][0].text == "goat 7 of herd 0"
    with pytest.raises(IndexMismatch):
        old.upsert([make("late", ["too late"])])
    new.upsert([make("late", ["in time"], NEW)])
    with pytest.raises(IndexMismatch):
        old.search_vector(embedded("goat"), 1)
    answers_as_if_ingested(new, NEW)


def test_interrupted_it_goes_on(old: FaissRuntime, new: FaissRuntime, tmp_path: Path) -> None:
    steps = new.migrate()
    assert [next(steps), next(steps), next(steps)][-1] == (2048, 3001)
    steps.close()
    again = Faiss(tmp_path / "index", NEW).open()
    assert list(again.migrate()) == [(2048, 3001)]
    answers_as_if_ingested(again, NEW)
    assert list(again.migrate()) == []
    again.close()


def test_a_compaction_comes_in_between(old: FaissRuntime, new: FaissRuntime) -> None:
    steps = new.migrate()
    next(steps)
    next(steps)
    old.delete(["s0"])
    old.compact()
    assert [goal for _, goal in steps][-1] == 2001
    answers_as_if_ingested(new, NEW)


def test_it_is_undone(old: FaissRuntime, new: FaissRuntime) -> None:
    with pytest.raises(InputError, match="No migration"):
        new.undo_migration()
    steps = new.migrate()
    next(steps)
    next(steps)
    steps.close()
    assert new.undo_migration() == EMBEDDER.identity  # given up half way
    assert list(new.migrate())[:1] == [(0, 3001)]
    assert new.undo_migration() == EMBEDDER.identity
    answers_as_if_ingested(old, EMBEDDER)
    old.upsert([make("back", ["an ox"])])
    assert [*new.migrate()] == [(3001, 3002)]
    answers_as_if_ingested(new, NEW)


def test_what_came_since_is_embedded_on_the_way_back(old: FaissRuntime, new: FaissRuntime) -> None:
    list(new.migrate())
    new.upsert([make("since", ["an ox that came since"], NEW)])
    with pytest.raises(IndexMismatch, match="Since then 1 chunk came"):
        new.undo_migration()
    back = old.migrate()
    assert next(back) == (3001, 3002)
    back.close()
    with pytest.raises(IndexMismatch, match="Since then 1 chunk came"):
        new.undo_migration()  # the way back isn't given up
    assert list(old.migrate()) == [(3001, 3002)]
    assert old.search_vector(embedded("an ox that came since"), 1)[0][0].source == "since"
    answers_as_if_ingested(old, EMBEDDER)


def test_what_came_since_and_went_again_is_forgotten(old: FaissRuntime, new: FaissRuntime) -> None:
    list(new.migrate())
    new.upsert([make("since", ["an ox that came since"], NEW)])
    new.delete(["since"])
    assert old.undo_migration() == EMBEDDER.identity
    old.upsert([make("other", ["a hen"])])
    assert old.search_vector(embedded("a hen"), 1)[0][0].source == "other"
    answers_as_if_ingested(old, EMBEDDER)
    list(new.migrate())
    answers_as_if_ingested(new, NEW)


def test_former_vectors_stay_until_a_compaction(old: FaissRuntime, new: FaissRuntime, tmp_path: Path) -> None:
    list(new.migrate())
    files = {each.name for each in (tmp_path / "index").glob("vectors*")}
    assert files == {"vectors.f32", "vectors-2.f32"}
    new.compact()
    assert len(list((tmp_path / "index").glob("vectors*"))) == 1
    answers_as_if_ingested(new, NEW)
    with pytest.raises(InputError, match="No migration"):
        new.undo_migration()


def test_an_embedded_text_that_is_not_stored_is_unknown_afterwards(
    old: FaissRuntime, new: FaissRuntime
) -> None:
    texts = ["about animals: ibex"]
    entry = Entry(Document("own", "ibex"), [Chunk("own", 0, 4, "ibex")], EMBEDDER.embed(texts), texts)
    old.upsert([Change("own", [entry])])
    list(new.migrate())
    assert list(new.known_vectors([*texts, "goat 8 of herd 1"])) == [1]
    answers_as_if_ingested(new, NEW)


CHILD = """
import sys
from pathlib import Path
from ragbraid.index.faiss import Faiss
from ragbraid.testing import HashEmbedder
for done in Faiss(Path(sys.argv[1]), HashEmbedder(dimensions=48).open()).open().migrate():
    print(done, flush=True)
"""


def test_killed_at_any_moment_it_goes_on(old: FaissRuntime, tmp_path: Path) -> None:
    old.close()
    rng = random.Random(8)
    for number in range(count(3, 100)):
        folder = tmp_path / f"copy {number}"
        shutil.copytree(tmp_path / "index", folder)
        environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2] / "src")}
        child = subprocess.Popen(
            [sys.executable, "-c", CHILD, str(folder)], stdout=subprocess.PIPE, env=environment
        )
        assert child.stdout is not None
        child.stdout.readline()
        time.sleep(rng.random() * 0.15)
        child.kill()
        child.communicate()
        index = Faiss(folder, NEW).open()
        list(index.migrate())
        answers_as_if_ingested(index, NEW)
        index.close()
        shutil.rmtree(folder)
