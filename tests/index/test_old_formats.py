"""An index of the previous format is brought to the newest when it is opened; a copy stays beside it."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from old_formats import write_format_1

from ragbraid.errors import IndexStoreError
from ragbraid.index import upgrading
from ragbraid.index.faiss import Faiss, FaissRuntime
from ragbraid.testing.index import EMBEDDER, change, embedded
from ragbraid.types import Scope

TEXTS = {f"s{number}": [f"goat {number} on a hill", f"cow {number} in a field"] for number in range(9)}


@pytest.fixture
def newest(tmp_path: Path) -> Path:
    index = Faiss(tmp_path / "newest", EMBEDDER).open()
    index.upsert([change(source, texts) for source, texts in TEXTS.items()])
    index.upsert([change("other", ["a goat elsewhere"], context="Herds")], scope=Scope(collection="second"))
    index.delete(["s3"])
    index.close()
    return tmp_path / "newest"


@pytest.fixture
def old(newest: Path, tmp_path: Path) -> Path:
    write_format_1(newest, tmp_path / "old")
    return tmp_path / "old"


def format_of(folder: Path) -> int:
    with closing(sqlite3.connect(folder / "index.sqlite")) as database:
        return int(database.execute("PRAGMA user_version").fetchone()[0])


def answers(index: FaissRuntime) -> object:
    return (
        list(index.sources()),
        index.search_vector(embedded("goat 4 on a hill"), 50),
        {hit.id for hit in index.search_text(["goat cow"], 50)[0]},
        index.search_text(["herds"], 5, scope=Scope(collection="second")),
    )


@pytest.fixture
def opened(old: Path) -> Iterator[FaissRuntime]:
    index = Faiss(old, EMBEDDER).open()
    yield index
    index.close()


def test_it_answers_as_before_and_is_kept_beside(newest: Path, old: Path, opened: FaissRuntime) -> None:
    wanted = Faiss(newest, EMBEDDER).open()
    assert answers(opened) == answers(wanted)
    wanted.close()
    assert opened.check() == []
    assert (format_of(old), format_of(old.with_name("old.format-1"))) == (2, 1)
    opened.upsert([change("new", ["a goat that is new"])])
    assert opened.search_vector(embedded("a goat that is new"), 1)[0][0].source == "new"
    assert opened.check() == []


def test_the_way_back(old: Path, opened: FaissRuntime) -> None:
    before = answers(opened)
    opened.upsert([change("new", ["a goat that is new"])])
    opened.close()
    shutil.rmtree(old)
    old.with_name("old.format-1").rename(old)
    again = Faiss(old, EMBEDDER).open()
    assert answers(again) == before
    assert again.check() == []
    again.close()


def test_killed_on_the_way_nothing_is_lost(
    old: Path, opened: FaissRuntime, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(upgrading, "_to_2", killed)
    with pytest.raises(KeyboardInterrupt):
        opened.count()
    assert format_of(old) == 1
    monkeypatch.undo()
    assert opened.count() == 16
    assert format_of(old) == 2
    # The copy of the first attempt isn't touched: it may be somebody's way back.
    assert [each.name for each in opened.stats().earlier] == ["old.format-1", "old.format-1.2"]


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="folders can't be made read-only here")
def test_a_folder_that_cannot_be_written_to_is_told(old: Path, opened: FaissRuntime) -> None:
    old.chmod(0o555)
    try:
        with pytest.raises(IndexStoreError, match="has an older format"):
            opened.count()
    finally:
        old.chmod(0o755)


def test_an_older_lexical_index_is_upgraded_too(tmp_path: Path, newest: Path) -> None:
    index = Faiss(tmp_path / "words").open()
    made = change("a", ["goat"])
    index.upsert([replace(made, entries=[replace(made.entries[0], vectors=None)])])
    index.close()
    write_format_1(tmp_path / "words", tmp_path / "old words")
    again = Faiss(tmp_path / "old words").open()
    assert [hit.text for hit in again.search_text(["goats"], 3)[0]] == ["goat"]
    assert again.check() == []
    again.close()
