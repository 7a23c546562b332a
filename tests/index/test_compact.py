"""What is deleted gives its space back, and of what is purged no byte is left."""

from __future__ import annotations

import os
import random
import shutil
import sqlite3
import subprocess
import sys
import threading
import zlib
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ragbraid.errors import IndexLocked, InputError
from ragbraid.index.faiss import Faiss, FaissRuntime
from ragbraid.testing.index import EMBEDDER, change, embedded
from ragbraid.types import Scope
from soaking import count

SECRET = "mwqkzjtxvb"
TEXTS = [f"A goat called {SECRET} stood on hill {number}." for number in range(5)]
OTHER = Scope(collection="second")


def fill(index: FaissRuntime) -> None:
    index.upsert(
        [change(f"s{number}", [f"cow {number} in a field", f"herd {number}"]) for number in range(20)]
    )
    index.upsert([change("secret", TEXTS, metadata={"by": f"{SECRET}by"}, context=f"{SECRET}above")])
    index.upsert([change("elsewhere", ["a goat elsewhere"])], scope=OTHER)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "index"


@pytest.fixture
def index(folder: Path) -> Iterator[FaissRuntime]:
    opened = Faiss(folder, EMBEDDER, tokens=EMBEDDER).open()
    fill(opened)
    yield opened
    opened.close()


def traces(folder: Path) -> set[str]:
    """What is found in the bytes of an index's files of the secret source."""
    stored = "\n".join(TEXTS).encode()
    wanted = {
        "text": SECRET.encode(),
        "packed text": zlib.compress(stored, 1)[2:34],
        "vector": EMBEDDER.embed(TEXTS)[2].tobytes()[:32],
        "metadata": f"{SECRET}by".encode(),
        "context": f"{SECRET}above".encode(),
    }
    content = b"\0".join(each.read_bytes() for each in folder.rglob("*") if each.is_file())
    return {name for name, data in wanted.items() if data in content}


def segments(folder: Path) -> set[str]:
    """The files of tantivy's segments."""
    return {
        each.name for each in folder.glob("lexical/*/*.*") if each.stem.isalnum() and len(each.stem) == 32
    }


def state(index: FaissRuntime) -> object:
    """What it answers, but for lexical scores: what is deleted counts in them until it is forgotten."""
    return (
        list(index.sources()),
        [index.document(each.source) for each in index.sources()],
        index.search_vector(embedded("cow 3"), 60),
        {hit.id for hit in index.search_text(["cow herd goat"], 60)[0]},
        index.search_vector(embedded("goat"), 9, scope=OTHER),
    )


def test_no_byte_of_what_is_purged_is_left(index: FaissRuntime, folder: Path) -> None:
    assert traces(folder) == {"text", "packed text", "vector", "metadata", "context"}
    index.delete(["secret"])
    wanted = state(index)
    assert "text" in traces(folder)
    fill(index)
    terms = segments(folder)
    assert index.purge(["secret"]) == 1
    assert traces(folder) == set()
    assert not terms & segments(folder)  # tantivy packs terms, so that no search of bytes would find one
    assert state(index) == wanted
    assert index.check() == []
    assert not index.stats().purging


def test_what_was_deleted_before_goes_too(index: FaissRuntime, folder: Path) -> None:
    index.upsert([change("secret", ["nothing of that kind"])])
    assert traces(folder)
    assert index.purge([]) == 0
    assert traces(folder) == set()
    assert index.document("secret")


def test_what_another_source_says_too_stays(index: FaissRuntime, folder: Path) -> None:
    index.upsert([change("twin", TEXTS[:1], context=f"{SECRET}above")])
    index.purge(["secret"])
    assert traces(folder) >= {"text", "context"}
    assert index.search_vector(embedded(TEXTS[0]), 1)[0][0].source == "twin"
    assert index.check() == []


def test_a_purge_keeps_to_its_scope(index: FaissRuntime, folder: Path) -> None:
    assert index.purge(["secret"], scope=Scope(filter={"by": "others"})) == 0
    assert index.purge(["secret"], scope=OTHER) == 0
    assert "text" in traces(folder)


def test_compaction_gives_space_back(index: FaissRuntime, folder: Path) -> None:
    for number in range(0, 20, 2):
        index.delete([f"s{number}"])
    index.purge([])
    vectors = index.stats().vectors
    big = [change(f"big{number}", [f"{number} {part} " * 40 for part in range(20)]) for number in range(30)]
    index.upsert(big)
    index.delete([each.origin for each in big])
    wanted = state(index)
    sizes = index.compact()
    assert sizes.bytes < sizes.bytes_before / 2
    assert sizes.bytes == sum(index.stats().bytes.values())
    assert state(index) == wanted
    assert index.check() == []
    stats = index.stats()
    assert (stats.vectors, stats.vectors_used) == (vectors, vectors)
    assert [each.name for each in folder.glob("vectors*")] == ["vectors-3.f32"]
    index.upsert([change("new", ["a cow that is new"])])
    assert index.search_vector(embedded("a cow that is new"), 1)[0][0].source == "new"
    assert index.check() == []


def test_what_has_nothing_to_give_back_stays_as_it_is(index: FaissRuntime, folder: Path) -> None:
    wanted = state(index)
    index.compact()
    assert state(index) == wanted
    assert [each.name for each in folder.glob("vectors*")] == ["vectors.f32"]


def test_damaged_vectors_are_left_to_the_next_ingest(index: FaissRuntime, folder: Path) -> None:
    index.delete(["s3"])
    with (folder / "vectors.f32").open("r+b") as file:
        file.seek(4096 + 40)
        file.write(b"\xff")
    index.compact()
    assert {each.what.partition(" ")[2] for each in index.check()} == {"chunks without a vector"}
    fill(index)
    assert index.check() == []


def test_a_lexical_index_is_purged_too(tmp_path: Path) -> None:
    index = Faiss(tmp_path / "words").open()
    for source in ("secret", "other"):
        made = change(source, TEXTS if source == "secret" else ["cow"])
        index.upsert([replace(made, entries=[replace(made.entries[0], vectors=None)])])
    assert index.purge(["secret"]) == 1
    assert traces(tmp_path / "words") == set()
    assert [hit.source for hit in index.search_text(["cow goat"], 5)[0]] == ["other"]
    assert index.check() == []
    index.close()


def test_another_handle_goes_on(index: FaissRuntime, folder: Path) -> None:
    other = Faiss(folder, EMBEDDER).open()
    assert other.count() == 45
    index.purge(["secret"])
    assert state(other) == state(index)
    other.upsert([change("new", ["a new cow"])])
    assert index.search_vector(embedded("a new cow"), 1)[0][0].source == "new"
    other.close()


def test_readers_go_on_meanwhile(index: FaissRuntime, folder: Path) -> None:
    reader = Faiss(folder, EMBEDDER).open()
    problems: list[object] = []
    ended = threading.Event()

    def read() -> None:
        while not ended.is_set():
            try:
                dense = reader.search_vector(embedded("cow 3 in a field"), 3)[0]
                words = reader.search_text(["cow"], 60)[0]
                if dense[0].source != "s3" or len(words) != 20:
                    problems.append((dense[0].source, len(words)))
            except Exception as error:
                problems.append(error)

    thread = threading.Thread(target=read)
    thread.start()
    try:
        for number in range(count(4, 60)):
            index.upsert([change("more", [f"goat {number} {part}" for part in range(20)])])
            index.compact()
    finally:
        ended.set()
        thread.join()
        reader.close()
    assert problems == []


def test_a_reader_who_keeps_an_older_state_is_told(
    index: FaissRuntime, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ragbraid.index.store._BUSY_SECONDS", 0.1)
    other = Faiss(folder, EMBEDDER).open()
    with other._committed() as connection:  # a snapshot, for instance
        connection.execute("SELECT COUNT(*) FROM chunks").fetchone()
        index.close()
        with pytest.raises(IndexLocked, match="older state"):
            index.purge(["secret"])
        assert connection.execute("SELECT COUNT(*) FROM chunks").fetchone() == (46,)
    assert index.stats().purging
    assert [each.what for each in index.check()] == [
        "a purge was interrupted: bytes of what it removed may be left"
    ]
    index.purge([])
    assert traces(folder) == set()
    assert not index.stats().purging
    other.close()


STEPS = (
    "repack:before", "repack:after", "make_beside:after", "take_over:before", "take_over:after",
    "shrink:before", "shrink:after", "tidy:before", "tidy:after",
)  # fmt: skip
CHILD = Path(__file__).with_name("purging_child.py")


@pytest.mark.parametrize("step", STEPS)
def test_killed_at_any_step_it_is_purged_or_not(step: str, index: FaissRuntime, folder: Path) -> None:
    before = state(index)
    index.close()
    _purge_and_die(folder, step)
    opened = Faiss(folder, EMBEDDER).open()
    committed = step.partition(":")[0] not in ("repack", "make_beside")
    assert (opened.document("secret") is None) == committed
    if not committed:
        assert state(opened) == before
        assert opened.check() == []
        assert opened.purge(["secret"]) == 1
    else:
        assert opened.stats().purging
        assert opened.purge(["secret"]) == 0
    assert traces(folder) == set()
    assert opened.check() == []
    opened.close()


def test_killed_at_any_moment_it_is_purged_or_not(index: FaissRuntime, folder: Path) -> None:
    index.close()
    rng = random.Random(3)
    for _ in range(count(3, 100)):
        _purge_and_die(folder, "", after=0.25 + rng.random() * 0.4)
        opened = Faiss(folder, EMBEDDER).open()
        purged = opened.document("secret") is None
        assert [each.part for each in opened.check()] in ([], ["index.sqlite"] if purged else [])
        opened.purge(["secret"])
        assert traces(folder) == set()
        assert opened.check() == []
        assert opened.count() == 40
        fill(opened)
        opened.close()


def _purge_and_die(folder: Path, step: str, after: float | None = None) -> None:
    sources = Path(__file__).parents[2] / "src"
    environment = {**os.environ, "PYTHONPATH": str(sources), "OMP_NUM_THREADS": "1"}
    child = subprocess.Popen([sys.executable, str(CHILD), str(folder), step], env=environment)
    with suppress(subprocess.TimeoutExpired):
        child.wait(after)
    child.kill()
    assert child.wait() in (0, -9) if after else child.wait() == -9


def test_vectors_of_many_blocks_are_kept(tmp_path: Path) -> None:
    index = Faiss(tmp_path / "large", EMBEDDER).open()
    rng = np.random.default_rng(1)
    rows = rng.standard_normal((40_000, 16), dtype=np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    for first in range(0, 40_000, 5_000):
        texts = [f"goat {number}" for number in range(first, first + 5_000)]
        index.upsert([change(f"s{first}", texts, vectors=rows[first : first + 5_000])])
    index.delete(["s0", "s15000"])
    wanted = index.search_vector(rows[:20], 10)
    index.compact()
    assert index.stats().vectors == 30_000
    assert index.search_vector(rows[:20], 10) == wanted
    assert index.check() == []
    index.close()


def test_a_dropped_collection_is_gone_at_once_and_its_bytes_with_the_next_compaction(
    index: FaissRuntime, folder: Path
) -> None:
    kept = index.search_vector(embedded("goat"), 9, scope=OTHER)
    other = Faiss(folder, EMBEDDER).open()
    assert other.count() == 45
    index.drop("default")
    for each in (index, other):
        assert each.collections() == ["second"]
        assert (each.count(), list(each.sources())) == (0, [])
        assert each.search_text(["cow"], 9) == each.search_vector(embedded("cow"), 9) == [[]]
    assert index.check() == []
    assert "text" in traces(folder)
    index.upsert([change("s1", ["another cow"])])
    assert [hit.text for hit in other.search_text(["cow"], 9)[0]] == ["another cow"]
    index.compact()
    assert traces(folder) == set()
    assert index.check() == []
    assert index.search_vector(embedded("goat"), 9, scope=OTHER) == kept
    with pytest.raises(InputError, match="no collection 'default '"):
        index.drop("default ")
    other.close()


def test_an_index_of_which_everything_was_dropped_is_one(tmp_path: Path) -> None:
    index = Faiss(tmp_path / "index", EMBEDDER).open()
    index.upsert([change("a", ["goat"])])
    index.drop("default")
    index.close()
    again = Faiss(tmp_path / "index", EMBEDDER).open()
    assert (again.count(), again.check(), again.compact().bytes > 0) == (0, [], True)
    again.close()


def test_the_log_is_pruned_and_whoever_is_behind_reads_all_anew(
    index: FaissRuntime, folder: Path, tmp_path: Path
) -> None:
    reader, former = Faiss(folder, EMBEDDER).open(), tmp_path / "former"
    assert len(reader.search_text(["cow"], 99)[0]) == 20
    assert len(reader.search_vector(embedded("cow"), 99)[0]) == 45
    shutil.copytree(folder / "lexical", former)
    index.delete(["s0", "s1"])
    index.upsert([change("late", ["a cow that came late"])])
    index.compact()
    with closing(sqlite3.connect(folder / "index.sqlite")) as database:
        assert database.execute("SELECT COUNT(*), COUNT(DISTINCT collection) FROM log").fetchone() == (2, 2)
    assert len(reader.search_vector(embedded("cow"), 99)[0]) == 42
    assert len(reader.search_text(["cow"], 99)[0]) == 19
    reader.close()
    # As if it had been killed after its transaction: the index of words is as it was before.
    shutil.rmtree(folder / "lexical")
    former.rename(folder / "lexical")
    again = Faiss(folder, EMBEDDER).open()
    assert len(again.search_text(["cow"], 99)[0]) == 19
    assert again.check() == []
    again.close()
