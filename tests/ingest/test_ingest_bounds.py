"""Batches are bounded, and whatever ends a run early, what was acknowledged stays."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import pytest
from ingest_bench import TEXTS, Embedder, run, sources

from ragbraid.context import Cancellation, Context
from ragbraid.errors import (
    Cancelled,
    DeadlineExceeded,
)
from ragbraid.index.protocol import Change
from ragbraid.ingest import Progress, batches
from ragbraid.testing import ListIndex, MemoryLoader
from ragbraid.testing.list_index import ListIndexRuntime
from ragbraid.types import Scope, Vectors


class Committing(ListIndexRuntime):
    """Says in which groups sources were committed, and can be told to fail at the nth."""

    def __init__(self, fail_at: int = -1, error: BaseException | None = None) -> None:
        super().__init__(Embedder())
        self.groups: list[list[str]] = []
        self.fail_at = fail_at
        self.error = error

    def upsert(self, changes: Sequence[Change], *, scope: Scope = Scope()) -> None:  # noqa: B008
        if len(self.groups) == self.fail_at and self.error is not None:
            raise self.error
        super().upsert(changes)
        self.groups.append([each.origin for each in changes])


BIG = {f"{n:02}": " ".join(f"w{n}x{m}" for m in range(3 * 700)) for n in range(10)}


def test_batches_and_commits_are_bounded() -> None:
    index = Committing()
    run(index, MemoryLoader(BIG))
    assert [len(each) for each in index.groups] == [3, 3, 3, 1]
    assert isinstance(index.embedder, Embedder)
    assert max(len(each) for each in index.embedder.seen) <= 512
    texts = [text for call in index.embedder.seen for text in call]
    assert len(texts) == len(set(texts)) == 7000


def test_slow_work_is_committed_source_by_source(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "PATIENCE", 0.0)
    index = Committing()
    run(index, MemoryLoader(TEXTS))
    assert index.groups == [["a"], ["b"], ["c"], ["d"]]


class Slow(Embedder):
    """Takes a hundredth of a second for a text."""

    def embed(self, texts: Sequence[str], *given: Any, **named: Any) -> Vectors:
        time.sleep(0.01 * len(texts))
        return super().embed(texts, *given, **named)


def test_a_slow_embedder_has_work_committed_long_before_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "PATIENCE", 0.2)
    index = ListIndexRuntime(Slow())
    began, told = time.monotonic(), list[float]()
    texts = {f"{n:03}": f"text number {n}" for n in range(200)}
    run(index, MemoryLoader(texts), on_progress=lambda _: told.append(time.monotonic() - began))
    assert len(told) == 200
    assert told[0] < told[-1] / 3
    assert max(after - before for before, after in pairwise(told)) < told[-1] / 3


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_what_was_acknowledged_stays_when_the_disk_is_full(error: BaseException) -> None:
    index = Committing(1, error)
    told: list[Progress] = []
    with pytest.raises(type(error)):
        run(index, MemoryLoader(BIG), on_progress=told.append)
    assert [each.source for each in told] == sources(index) == ["00", "01", "02"]
    index.fail_at = -1
    report = run(index, MemoryLoader(BIG))
    assert (report.unchanged, report.new) == (3, 7)


def test_an_acknowledged_source_is_already_stored() -> None:
    index = Committing()

    def look(progress: Progress) -> None:
        assert progress.source in sources(index)

    run(index, MemoryLoader(BIG), on_progress=look)


def test_cancelling_between_sources() -> None:
    index, cancellation = Committing(), Cancellation()
    threads = threading.active_count()

    def stop(progress: Progress) -> None:
        cancellation.cancel()

    with pytest.raises(Cancelled):
        run(index, MemoryLoader(BIG), on_progress=stop, context=Context(cancellation))
    assert sources(index) == ["00", "01", "02"]
    assert threading.active_count() == threads


def test_a_deadline() -> None:
    with pytest.raises(DeadlineExceeded):
        run(ListIndex(Embedder()).open(), MemoryLoader(TEXTS), context=Context(Cancellation(0.0)))


def test_cancelling_within_a_huge_document() -> None:
    cancellation = Cancellation()
    embedder = Embedder(lambda text: cancellation.cancel())
    index = ListIndex(embedder).open()
    with pytest.raises(Cancelled):
        run(index, MemoryLoader({"huge": " ".join(map(str, range(9000)))}), context=Context(cancellation))
    assert len(embedder.seen) == 1
