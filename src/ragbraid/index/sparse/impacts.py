"""The sparse vectors of one collection as a search needs them, and how they are brought up to date.

A chunk's vector never changes, and its row is never used again. So what is behind needs no log: the chunks
behind the last row that it has seen are added, and those that are there no more are passed over.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from sqlite3 import Connection
from typing import TYPE_CHECKING

import numpy as np

from ragbraid.index.rows import Ints, Mask, Rows
from ragbraid.index.sparse import store
from ragbraid.index.sparse.file import PostingsFile, Stand, TornError
from ragbraid.index.sparse.postings import Postings, joined, postings

if TYPE_CHECKING:
    from ragbraid.embed.protocol import SparseVector

_ENOUGH = 1_000
"""So many chunks, and a twentieth of all, are read from the database rather than written again."""


class Impacts:
    """The postings of one collection, shared by threads: those of a file, and those that came later."""

    def __init__(self, folder: Path, collection: int, uuid: str) -> None:
        self._collection = collection
        self._file = PostingsFile(folder, collection, uuid)
        self._lock = threading.Lock()
        self._parts: list[Postings] = []
        self._seen = (-1, -1)
        """The state, and the last row, that the parts are of."""
        self._live: tuple[int, list[Mask], int] = (-1, [], 0)

    def search(
        self,
        connection: Connection,
        rows: Rows,
        queries: Sequence[SparseVector],
        k: int,
        allowed: Callable[[], Ints] | None,
        demand_complete: Callable[[int, int], None],
    ) -> list[dict[int, float]]:
        """For each question the rows of the k best scores above zero, and of all that equal the last."""
        try:
            return self._search(connection, rows, queries, k, allowed, demand_complete)
        except TornError:
            with self._lock:
                self._parts, self._seen = [], (-1, -1)
                self._fill(connection, rows, from_file=False)
            return self._search(connection, rows, queries, k, allowed, demand_complete)

    def _search(
        self,
        connection: Connection,
        rows: Rows,
        queries: Sequence[SparseVector],
        k: int,
        allowed: Callable[[], Ints] | None,
        demand_complete: Callable[[int, int], None],
    ) -> list[dict[int, float]]:
        with self._lock:
            self._fill(connection, rows)
            parts, (_, live, missing) = list(self._parts), self._live
        demand_complete(missing, len(rows))
        if allowed is not None:
            wanted = allowed()
            live = [here & _among(each.rows, wanted) for each, here in zip(parts, live, strict=True)]
        return [_best(parts, live, each, k) for each in queries]

    def keep(self, connection: Connection, rows: Rows, anew: bool = False) -> None:
        """Write the file where much has changed since; the caller holds the writer's lock."""
        with self._lock:
            if anew:
                self._parts, self._seen = [], (-1, -1)
                self._file.remove()  # what a purge takes out has to be gone, written or not
            self._fill(connection, rows, from_file=not anew)
            base, later = len(self._parts[0].rows), sum(len(each.rows) for each in self._parts[1:])
            if not anew and later <= _ENOUGH + base // 20:
                return
            whole = _joined(self._parts, self._live[1])
            last = store.sum_of(connection, int(whole.rows[-1])) if len(whole.rows) else 0
            with suppress(OSError):  # without it, opening takes longer
                self._file.write(Stand(rows.seq, last or 0), whole)
            self._parts = [whole, postings([], [])]
            self._mark(rows)

    def exists(self) -> bool:
        """Whether there is a file."""
        return self._file.path.exists()

    def is_damaged(self) -> bool:
        """Whether there is a file that isn't as it was written."""
        return self._file.is_damaged()

    def close(self) -> None:
        """Let go of the file and the arrays."""
        with self._lock:
            self._parts, self._seen = [], (-1, -1)
            self._live = (-1, [], 0)

    def _fill(self, connection: Connection, rows: Rows, from_file: bool = True) -> None:
        """Add what the transaction has and the parts have not."""
        if not self._parts:
            found = self._file.read() if from_file else None
            if found is not None and self._is_of(connection, rows, *found):
                self._parts = [found[1]]
                self._seen = (-1, int(found[1].rows[-1]) if len(found[1].rows) else -1)
            else:
                self._parts = [postings([], [])]
            self._parts.append(postings([], []))
        if rows.seq > self._seen[0]:
            fresh = list(store.after(connection, self._collection, self._seen[1]))
            if fresh:
                added = postings([row for row, _ in fresh], (store.unpacked(each) for _, each in fresh))
                self._parts[1] = _joined([self._parts[1], added])
            there = _rows(rows)
            self._seen = (rows.seq, max(self._seen[1], int(there[-1]) if len(there) else -1))
        if (
            self._live[0] != rows.seq
            or len(self._live[1]) != len(self._parts)
            or any(len(here) != len(each.rows) for here, each in zip(self._live[1], self._parts, strict=True))
        ):
            self._mark(rows)

    def _is_of(self, connection: Connection, rows: Rows, stand: Stand, held: Postings) -> bool:
        """Whether a file is of an earlier state of what the transaction sees, or of the same."""
        if stand.seq > rows.seq:
            return False
        last = store.sum_of(connection, int(held.rows[-1])) if len(held.rows) else None
        return last is None or last == stand.last

    def _mark(self, rows: Rows) -> None:
        there = _rows(rows)
        live = [_among(each.rows, there) for each in self._parts]
        missing = len(there) - sum(int(np.count_nonzero(each)) for each in live)
        self._live = (rows.seq, live, missing)


def _rows(rows: Rows) -> Ints:
    """The rows that are there, in ascending order."""
    kept = rows.table.rows if rows.gone is None else rows.table.rows[~rows.gone]
    every: Ints = np.concatenate([kept, rows.fresh.rows]) if len(rows.fresh.rows) else kept
    return every


def _among(some: Ints, sorted_rows: Ints) -> Mask:
    if not len(sorted_rows):
        return np.zeros(len(some), bool)
    at = np.searchsorted(sorted_rows, some)
    at[at == len(sorted_rows)] = 0
    found: Mask = sorted_rows[at] == some
    return found


def _joined(parts: Sequence[Postings], live: Sequence[Mask] | None = None) -> Postings:
    first, second = parts
    kept = (np.ones(len(first.rows), bool), np.ones(len(second.rows), bool)) if live is None else live
    return joined(first, second, (kept[0], kept[1]))


def _best(parts: Sequence[Postings], live: Sequence[Mask], query: SparseVector, k: int) -> dict[int, float]:
    scores, rows = [], []
    for each, here in zip(parts, live, strict=True):
        sums = each.scores(query)
        found = np.flatnonzero((sums > 0) & here)
        scores.append(sums[found])
        rows.append(each.rows[found])
    every, owners = np.concatenate(scores), np.concatenate(rows)
    if len(every) > k:
        kept = every >= np.partition(every, len(every) - k)[len(every) - k]
        every, owners = every[kept], owners[kept]
    return dict(zip(owners.tolist(), every.tolist(), strict=True))
