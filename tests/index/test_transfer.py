"""An index moved into another: equal to the last bit, nothing embedded, and able to go on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ragbraid.errors import IndexDamaged, IndexMismatch, IndexMissing, InputError
from ragbraid.index.faiss import Faiss, FaissRuntime
from ragbraid.index.protocol import Change, Entry
from ragbraid.index.transfer import Copied, transfer
from ragbraid.testing.hash_embedder import HashEmbedder
from ragbraid.testing.index import EMBEDDER, change, embedded
from ragbraid.testing.list_index import ListIndex, ListIndexRuntime
from ragbraid.types import Chunk, Document, Hit, Reading, Scope
from timing import least_seconds

BATCH = 20
"""Chunks in a commit: one source here has more."""


class Interrupted(BaseException):
    """A person's, or the machine's."""


class Stopping(FaissRuntime):
    """Ends where it is to commit more than `left` times."""

    left = 10**9

    def upsert(self, changes: Sequence[Change], **scope: Any) -> None:
        if not self.left:
            raise Interrupted
        self.left -= 1
        super().upsert(changes, **scope)


class Forgetful(FaissRuntime):
    """Gives back other contexts than it was given."""

    def contexts(self, ids: Sequence[str], **scope: Any) -> Mapping[str, str]:
        return dict.fromkeys(ids, "other")


@pytest.fixture
def source(tmp_path: Path) -> Iterator[FaissRuntime]:
    opened = Faiss(tmp_path / "source", EMBEDDER).open()
    document = Document(
        "ü.md", "😀 héllo\nगाय 山羊", {"when": date(2024, 1, 31), "n": 1}, (0, 8), ("odd",), 2,
        "text/markdown", Reading("text", "utf-8", verbatim=True),
    )  # fmt: skip
    chunks = [
        Chunk("ü.md", 0, 7, document.text[:7], {"n": True}, context="Greetings"),
        Chunk("ü.md", 8, len(document.text), document.text[8:], id="named"),
    ]
    entry = Entry(document, chunks, EMBEDDER.embed(["Greetings\n" + chunks[0].text, chunks[1].text]))
    opened.upsert([Change("o", [entry], "f", "s", "d", "m", size=30), Change("empty", [], "f")])
    opened.upsert([replace(change("none", []), digest="d")])
    rows = [change(f"t#{i:02}", [f"goat {i}"]).entries[0] for i in range(50)]
    opened.upsert([Change("t", rows, "f2", "s2", "d2", "m2")])
    opened.upsert([change("a", ["goat one", "cow"])], scope=Scope("it's two"))
    yield opened
    opened.close()


def held(index: Any) -> list[Any]:
    """All that the protocol tells of an index."""
    found: list[Any] = []
    for name in ("default", "it's two"):
        scope = Scope(name)
        states = list(index.sources(metadata=True, scope=scope))
        found += states
        for each in states:
            hits: list[Hit] = index.chunks(each.source, scope=scope)
            ids = [hit.id for hit in hits]
            found += [index.document(each.source, scope=scope), hits, index.contexts(ids, scope=scope)]
            found.append(index.vectors(ids, scope=scope).tolist())
        for question in ("goat 7", "greetings"):
            # tantivy's scores depend on what was deleted, and on how many commits there were
            found.append({hit.id for hit in index.search_text([question], 60, scope=scope)[0]})
            found.append(index.search_vector(embedded(question), 5, scope=scope))
    return found


def test_a_copy_is_equal(source: FaissRuntime, tmp_path: Path) -> None:
    calls = EMBEDDER.calls
    target = Faiss(tmp_path / "target", EMBEDDER).open()
    told: list[tuple[str, int, int]] = []
    found = transfer(source, target, batch=BATCH, told=lambda *each: told.append(each))
    assert EMBEDDER.calls == calls
    assert found == [Copied("default", 53, 52, 0), Copied("it's two", 1, 2, 0)]
    assert held(target) == held(source)
    assert [state.size for state in target.sources() if state.origin == "o"] == [30]
    assert told[-1] == ("it's two", 1, 1)
    assert all(done <= goal for _, done, goal in told)
    assert [each.present for each in transfer(source, target)] == [53, 1]
    target.close()


def test_what_differs_is_put_right_and_others_stay(source: FaissRuntime, tmp_path: Path) -> None:
    target = Faiss(tmp_path / "target", EMBEDDER).open()
    target.upsert([change("mine", ["a dog"])])
    rows = [change(each, ["old"]).entries[0] for each in ("t#03", "t#gone")]
    target.upsert([Change("t", rows, "f2", "s2", "d2", "m2")])
    transfer(source, target, ["default"], batch=BATCH)
    assert {each.source for each in target.sources()} == {"mine", *(each.source for each in source.sources())}
    (state,) = (each for each in target.sources() if each.source == "ü.md")
    same = target.document("ü.md")
    assert same is not None
    wrong = replace(same, metadata={"n": 2})
    target.upsert([Change("o", [Entry(wrong, [], None)], "f", "s", "d", "m")])
    found = transfer(source, target, ["default"], batch=BATCH)
    assert [each.present for each in found] == [52]
    assert target.document("ü.md") == source.document("ü.md")
    assert state in target.sources()
    target.close()


def test_an_equal_state_over_other_content_is_found(source: FaissRuntime, tmp_path: Path) -> None:
    """What the sums are for: fingerprints, stamps and counts agree, and a chunk doesn't."""
    target = Faiss(tmp_path / "target", EMBEDDER).open()
    given = change("a", ["goat two", "cow"])
    fingerprint = next(iter(source.sources(scope=Scope("it's two")))).fingerprint
    target.upsert([replace(given, fingerprint=fingerprint)], scope=Scope("it's two"))
    (found,) = transfer(source, target, ["it's two"])
    assert found.present == 0
    assert [hit.text for hit in target.chunks("a", scope=Scope("it's two"))] == ["goat one", "cow"]
    target.close()


@pytest.mark.parametrize("commits", [0, 1, 2, 3])
def test_it_goes_on_wherever_it_was_ended(source: FaissRuntime, tmp_path: Path, commits: int) -> None:
    target = Stopping(tmp_path / "target", EMBEDDER)
    target.left = commits
    with pytest.raises(Interrupted):
        transfer(source, target, batch=BATCH)
    target.close()
    again = Faiss(tmp_path / "target", EMBEDDER).open()
    transfer(source, again)
    assert held(again) == held(source)
    again.close()


def test_a_store_that_gives_back_something_else(source: FaissRuntime, tmp_path: Path) -> None:
    target = Forgetful(tmp_path / "target", EMBEDDER)
    with pytest.raises(IndexDamaged, match="1 origin of it, 'a' among them"):
        transfer(source, target, ["it's two"])
    target.close()


@pytest.mark.parametrize("other", [HashEmbedder(17).open(), None])
def test_other_embedders_are_refused(source: FaissRuntime, tmp_path: Path, other: Any) -> None:
    target = Faiss(tmp_path / "target", other).open()
    with pytest.raises(IndexMismatch, match="same `embedder`"):
        transfer(source, target)
    assert not (tmp_path / "target").exists()


def test_words_alone(tmp_path: Path) -> None:
    source, target = Faiss(tmp_path / "a").open(), Faiss(tmp_path / "b").open()
    given = change("a", ["goat", "cow"])
    source.upsert([replace(given, entries=[replace(given.entries[0], vectors=None)])])
    assert transfer(source, target) == [Copied("default", 1, 2, 0)]
    assert target.search_text(["goat"], 3) == source.search_text(["goat"], 3)
    source.close()
    target.close()


def test_a_store_that_tells_no_collections(tmp_path: Path) -> None:
    source: ListIndexRuntime = ListIndex(EMBEDDER).open()
    source.upsert([change("a", ["goat", "cow"])])
    target = Faiss(tmp_path / "target", EMBEDDER).open()
    assert transfer(source, target) == [Copied("default", 1, 2, 0)]
    target.close()


def test_what_isnt_there(source: FaissRuntime, tmp_path: Path) -> None:
    empty = Faiss(tmp_path / "empty", EMBEDDER).open()
    with pytest.raises(IndexMissing):
        transfer(empty, source)
    with pytest.raises(InputError, match="no collection 'x'"):
        transfer(source, empty, ["x"])
    empty.close()


def test_the_chunks_of_a_source_take_no_longer_among_many(tmp_path: Path) -> None:
    """A copy asks for them source by source, which would grow with the square of the index."""
    took = []
    for many in (20, 10_000):
        index = Faiss(tmp_path / str(many)).open()
        rows = [change(f"t#{i}", [f"goat {i}", "cow"], vectors=np.ones((2, 16))) for i in range(many)]
        entries = [replace(each.entries[0], vectors=None) for each in rows]
        index.upsert([Change("t", entries)])
        assert len(index.chunks("t#7")) == 2
        took.append(least_seconds(partial(index.chunks, "t#7"), 20))
        index.close()
    assert took[1] < 5 * took[0]
