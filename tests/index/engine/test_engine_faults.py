"""Cut off at any call, or away for some: what was acknowledged is there, once, and nothing is half there."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from random import Random
from typing import Any

import pytest

from ragbraid.errors import IndexLocked, IndexMismatch, IndexMissing, IndexStoreError
from ragbraid.index.engine.protocol import AwayError
from ragbraid.index.engine.runtime import EngineIndex
from ragbraid.testing.hash_embedder import HashEmbedder
from ragbraid.testing.index import EMBEDDER, change, embedded
from ragbraid.testing.list_engine import ListEngine
from ragbraid.testing.list_index import ListIndex

Held = list[tuple[str, list[str]]]


class Cut(BaseException):
    """The process ends here."""


class Failing:
    """An engine whose calls `fault` is asked about, before and after they are done."""

    def __init__(self, engine: ListEngine, fault: Callable[[str, bool], None]) -> None:
        self._engine, self._fault = engine, fault

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._engine, name)
        if not callable(found):
            return found

        def call(*given: Any) -> Any:
            self._fault(name, False)
            result = found(*given)
            self._fault(name, True)
            return result

        return call


def held(index: Any) -> Held:
    """Sources and their chunks, as they are read and as both searches find them."""
    try:
        states = list(index.sources())
        by_words = sorted(hit.id for hit in index.search_text(["goat"], 99)[0])
        by_vector = sorted(hit.id for hit in index.search_vector(embedded("goat"), 99)[0])
    except IndexMissing:
        return []
    read = [(each.source, [hit.text for hit in index.chunks(each.source)]) for each in states]
    ids = sorted(hit.id for each in states for hit in index.chunks(each.source))
    assert by_words == by_vector == ids
    assert index.count() == len(ids)
    return read


@pytest.fixture(scope="module")
def dead() -> int:
    """The number of a process that is no more."""
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
        return process.pid


def let_die(engine: ListEngine, process: int) -> None:
    """Let whoever claims the index have been a process that is gone."""
    text = engine.head()
    told = json.loads(text) if text else {}
    if told.get("claim"):
        told["claim"]["process"] = process
        engine.swap(text, json.dumps({**told, "once": "another"}))


def test_cut_off_at_every_call(dead: int) -> None:
    """Of a change that replaces two sources and brings one, either all is seen or nothing."""
    before = [change("a", ["goat old", "goat older"]), change("b", ["goat b"])]
    after = [change("a", ["goat new"]), change("b", ["goat b2", "goat b3"]), change("c", ["goat c"])]
    outcomes = set()
    for at in range(1000):
        engine, calls = ListEngine(), 0

        def fault(name: str, done: bool, at: int = at) -> None:
            nonlocal calls
            calls += 1
            if calls > at:  # it stays cut: whoever is dead gives up no claim
                raise Cut

        EngineIndex(engine, EMBEDDER).upsert(before)
        try:
            EngineIndex(Failing(engine, fault), EMBEDDER).upsert(after)
            done = True
        except Cut:
            done = False
        reader = EngineIndex(engine, EMBEDDER)
        found = held(reader)
        whole = [("a", ["goat new"]), ("b", ["goat b2", "goat b3"]), ("c", ["goat c"])]
        assert found in ([("a", ["goat old", "goat older"]), ("b", ["goat b"])], whole)
        outcomes.add((done, found == whole))
        let_die(engine, dead)
        reader.upsert([change("d", ["goat d"])])
        assert held(reader) == [*found, ("d", ["goat d"])]
        assert set(reader.known_vectors(["goat old", "goat b"])) == {0, 1}
        if done:
            break
    assert outcomes == {(False, False), (False, True), (True, True)}


@pytest.mark.parametrize("seed", range(5))
def test_away_now_and_then_nothing_is_lost_or_doubled(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Calls fail before they are done, and after they were."""
    monkeypatch.setattr("ragbraid.index.engine.retrying.time.sleep", lambda pause: None)
    random = Random(seed)
    in_a_row = 0

    def fault(name: str, done: bool) -> None:
        nonlocal in_a_row
        if random.random() < 0.2 and in_a_row < 4:
            in_a_row += 1
            raise AwayError("cut")
        in_a_row = 0 if done and name != "head" else in_a_row  # a swap again asks for the head first

    index, expected = EngineIndex(Failing(ListEngine(), fault), EMBEDDER), ListIndex(EMBEDDER).open()
    for step in range(25):
        names = random.sample("abcdef", 2)
        if random.random() < 0.3:
            assert index.delete(names) == expected.delete(names)
        else:
            given = [change(each, [f"goat {each} {step}", f"goat {i}"]) for i, each in enumerate(names)]
            index.upsert(given)
            expected.upsert(given)
        assert held(index) == held(expected)


def test_a_commit_whose_answer_was_lost_is_known_behind_anothers() -> None:
    """The next writer was so quick that the ledger has changed again when this one asks once more."""
    engine, committing = ListEngine(), False

    def fault(name: str, done: bool) -> None:
        nonlocal committing
        if name == "put":
            committing = True
        elif name == "swap" and done and committing:
            committing = False
            EngineIndex(engine, EMBEDDER).upsert([change("b", ["goat"])])
            raise AwayError("cut")

    EngineIndex(Failing(engine, fault), EMBEDDER).upsert([change("a", ["goat"])])
    assert held(EngineIndex(engine, EMBEDDER)) == [("a", ["goat"]), ("b", ["goat"])]


def test_one_that_stays_away_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []
    monkeypatch.setattr("ragbraid.index.engine.retrying.time.sleep", waited.append)

    def fault(name: str, done: bool) -> None:
        raise AwayError("connection refused")

    index = EngineIndex(Failing(ListEngine("db.example"), fault), EMBEDDER)
    with pytest.raises(IndexStoreError, match=r"db\.example can't be reached: connection refused"):
        index.count()
    assert waited == sorted(waited)
    assert len(waited) > 3


def test_one_that_fails_slowly_isnt_asked_for_ever() -> None:
    asked = 0

    def fault(name: str, done: bool) -> None:
        nonlocal asked
        asked += 1
        raise AwayError("timed out")

    index = EngineIndex(Failing(ListEngine(), fault), EMBEDDER, timeout=0.1)
    with pytest.raises(IndexStoreError, match="can't be reached: timed out"):
        index.count()
    assert asked < 4


def test_a_second_writer_waits_and_is_refused() -> None:
    engine, begun, go_on = ListEngine(), threading.Event(), threading.Event()

    def fault(name: str, done: bool) -> None:
        if name == "put" and not done:
            begun.set()
            go_on.wait(20)

    EngineIndex(engine, EMBEDDER).upsert([change("a", ["goat"])])
    with ThreadPoolExecutor(1) as threads:
        first = threads.submit(EngineIndex(Failing(engine, fault), EMBEDDER).upsert, [change("b", ["goat"])])
        begun.wait(20)
        second = EngineIndex(engine, EMBEDDER, timeout=0.1)
        with pytest.raises(IndexLocked, match="written to by someone else"):
            second.upsert([change("c", ["goat"])])
        assert [each.source for each in second.sources()] == ["a"]
        go_on.set()
        first.result()
    second.upsert([change("c", ["goat"])])
    assert [each.source for each in second.sources()] == ["a", "b", "c"]


def test_one_whose_claim_was_taken_over_stores_nothing(dead: int) -> None:
    """It was only slow, and whoever took over went on meanwhile."""
    engine = ListEngine()
    EngineIndex(engine, EMBEDDER).upsert([change("a", ["goat"])])

    def fault(name: str, done: bool) -> None:
        if name == "put" and not done:
            let_die(engine, dead)
            EngineIndex(engine, EMBEDDER).upsert([change("b", ["goat other"])])

    slow = EngineIndex(Failing(engine, fault), EMBEDDER)
    with pytest.raises(IndexLocked, match="took over"):
        slow.upsert([change("b", ["goat mine"])])
    index = EngineIndex(engine, EMBEDDER)
    index.upsert([change("c", ["goat"])])
    assert held(index) == [("a", ["goat"]), ("b", ["goat other"]), ("c", ["goat"])]


def test_readers_see_whole_commits_while_others_write() -> None:
    engine, stop = ListEngine(), threading.Event()
    writers = [EngineIndex(engine, EMBEDDER) for _ in range(2)]
    writers[0].upsert([change("a", ["goat", "goat again"]), change("b", ["goat"])])

    def write(index: EngineIndex) -> None:
        for i in range(20):
            index.upsert([change("a", [f"goat {i}", f"goats {i}"]), change("b", [f"goat of {i}"])])

    def read() -> None:
        index = EngineIndex(engine, EMBEDDER)
        while not stop.is_set():
            assert [len(index.search_text(["goat"], 9)[0]), index.count()] == [3, 3]
            assert len(index.search_vector(embedded("goat"), 9)[0]) == 3

    with ThreadPoolExecutor(4) as threads:
        readers = [threads.submit(read) for _ in range(2)]
        for each in [threads.submit(write, index) for index in writers]:
            each.result()
        stop.set()
        for each in readers:
            each.result()


@pytest.mark.parametrize("other", [HashEmbedder(17).open(), None])
def test_another_embedders_vectors(other: Any) -> None:
    engine = ListEngine()
    EngineIndex(engine, EMBEDDER).upsert([change("a", ["goat"])])
    with pytest.raises(IndexMismatch, match="was built by the embedder"):
        EngineIndex(engine, other).known_vectors([])


def test_a_newer_format() -> None:
    engine = ListEngine()
    index = EngineIndex(engine, EMBEDDER)
    index.upsert([change("a", ["goat"])])
    text = engine.head()
    assert text is not None
    engine.swap(text, json.dumps({**json.loads(text), "format": 2}))
    asked: Sequence[Callable[[], object]] = (index.count, lambda: index.upsert([change("b", ["cow"])]))
    for ask in asked:
        with pytest.raises(IndexMismatch, match="format 2"):
            ask()
