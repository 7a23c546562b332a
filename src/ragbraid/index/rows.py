"""What one collection holds, row by row, as arrays: the derived structure that dense search runs over.

A value: it belongs to one sequence number of the log, and a newer one is made from it by replaying the log.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from sqlite3 import Connection
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Ints: TypeAlias = npt.NDArray[np.int64]
Mask: TypeAlias = npt.NDArray[np.bool_]

_FRESH = 10_000
"""Rows since the last table that are kept beside it, and a twentieth of the table."""


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """Rows in ascending order, each with its document and its slot in the vector file (-1: none).

    Documents ascend as well: both numbers are given in the order of commits, and never again.
    """

    rows: Ints
    documents: Ints
    slots: Ints
    by_slot: Ints
    """Positions ordered by slot, those without a vector first."""
    slots_sorted: Ints

    def at(self, rows: Ints) -> Ints:
        """The positions of those of these rows that are here."""
        if len(self.rows) and self.rows[-1] - self.rows[0] == len(self.rows) - 1:  # without a gap
            inside: Ints = rows[(rows >= self.rows[0]) & (rows <= self.rows[-1])] - self.rows[0]
            return inside
        places: Ints = np.searchsorted(self.rows, rows)
        places[places == len(self.rows)] = 0
        found: Ints = places[self.rows[places] == rows] if len(self.rows) else places[:0]
        return found

    def at_slots(self, slots: Ints) -> tuple[Ints, Ints]:
        """The positions that share these slots, and for each which of `slots` it is."""
        low = np.searchsorted(self.slots_sorted, slots, "left")
        counts = np.searchsorted(self.slots_sorted, slots, "right") - low
        which = np.repeat(np.arange(len(slots)), counts)
        return self.by_slot[_spans(low, counts)], which

    def of_documents(self, documents: Ints) -> Ints:
        """The positions of these documents' rows."""
        low = np.searchsorted(self.documents, documents, "left")
        counts = np.searchsorted(self.documents, documents, "right") - low
        return _spans(low, counts)


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """A table, the rows of it that are there no more, and those that have come since."""

    seq: int
    table: Table
    gone: Mask | None
    """By position in the table; None where all of it is there."""
    fresh: Table
    _made: dict[str, npt.NDArray[Any]] = field(default_factory=dict)
    """What has been worked out of it once."""

    def __len__(self) -> int:
        return len(self.table.rows) - self.deleted + len(self.fresh.rows)

    @property
    def deleted(self) -> int:
        """How many rows of the table are there no more."""
        return 0 if self.gone is None else int(np.count_nonzero(self.gone))

    @property
    def missing(self) -> int:
        """How many rows have no vector."""
        bare = self.table.by_slot[: int(np.searchsorted(self.table.slots_sorted, 0))]
        lost = len(bare) if self.gone is None else int(np.count_nonzero(~self.gone[bare]))
        return lost + int(np.searchsorted(self.fresh.slots_sorted, 0))

    def at_slots(self, slots: Ints) -> tuple[Ints, Ints]:
        """The rows that share these slots, and for each which of `slots` it has."""
        positions, which = self.table.at_slots(slots)
        if self.gone is not None:
            there = ~self.gone[positions]
            positions, which = positions[there], which[there]
        rows = self.table.rows[positions]
        if not len(self.fresh.rows):
            return rows, which
        others, which_others = self.fresh.at_slots(slots)
        return (
            np.concatenate([rows, self.fresh.rows[others]]),
            np.concatenate([which, which_others]),
        )

    def slots_of(self, rows: Ints) -> Ints:
        """The slots that these rows have, each once, in ascending order."""
        places = self.table.at(rows)
        if self.gone is not None:
            places = places[~self.gone[places]]
        fresh = self.fresh.slots[self.fresh.at(rows)]
        return _distinct(np.sort(np.concatenate([self.table.slots[places], fresh])))

    def live(self) -> Ints:
        """Every slot in use, once, in ascending order; made once."""
        if "live" not in self._made:
            self._made["live"] = self._live()
        return self._made["live"]

    def bitmap(self, count: int) -> npt.NDArray[np.uint8]:
        """The slots in use below `count` as bits, the lowest of each byte first; made once."""
        name = f"bits {count}"
        if name not in self._made:
            self._made[name] = bitmap(self.live(), count)
        return self._made[name]

    def _live(self) -> Ints:
        table = self.table
        slots = table.slots_sorted if self.gone is None else table.slots_sorted[~self.gone[table.by_slot]]
        if len(self.fresh.rows):
            slots = np.sort(np.concatenate([slots, self.fresh.slots_sorted]), kind="stable")
        return _distinct(slots)


def bitmap(slots: Ints, count: int) -> npt.NDArray[np.uint8]:
    """Slots as bits, the lowest of each byte first."""
    mask = np.zeros(count, bool)
    mask[slots[: np.searchsorted(slots, count)]] = True
    return np.packbits(mask, bitorder="little")


def sequence(connection: Connection, collection: int) -> int:
    """The newest entry of a collection's log."""
    found = connection.execute("SELECT MAX(seq) FROM log WHERE collection = ?", (collection,)).fetchone()[0]
    return int(found or 0)


def is_logged(connection: Connection, collection: int, seq: int) -> bool:
    """Whether the log goes back to this entry, so that what came after it can be replayed."""
    query = "SELECT 1 FROM log WHERE collection = ? AND seq = ?"
    return connection.execute(query, (collection, seq)).fetchone() is not None


def newest(connection: Connection) -> int:
    """The newest row of all collections."""
    return int(connection.execute("SELECT IFNULL(MAX(row), 0) FROM chunks").fetchone()[0])


def load(connection: Connection, collection: int, seq: int) -> Rows:
    """The rows of a collection as the connection's transaction sees them."""
    cursor = connection.execute(
        "SELECT row, document, IFNULL(slot, -1) FROM chunks WHERE collection = ?", (collection,)
    )
    parts = [_columns([])]
    while some := cursor.fetchmany(50_000):
        parts.append(_columns(some))
    return whole(seq, table(np.concatenate(parts, axis=1)))


def advance(connection: Connection, collection: int, before: Rows, seq: int) -> Rows:
    """The rows at `seq`, by replaying the log from `before` where it goes back so far."""
    if not is_logged(connection, collection, before.seq):
        return load(connection, collection, seq)
    entries = connection.execute(
        "SELECT operation, document FROM log WHERE collection = ? AND seq > ?", (collection, before.seq)
    ).fetchall()
    if any(operation == "reset" for operation, _ in entries) or len(entries) > len(before) + _FRESH:
        return load(connection, collection, seq)
    touched = np.unique(np.fromiter((document for _, document in entries), np.int64, len(entries)))
    added = _of_documents(connection, collection, touched)
    gone = before.gone
    places = before.table.of_documents(touched)
    if len(places):
        gone = np.zeros(len(before.table.rows), bool) if gone is None else gone.copy()
        gone[places] = True
    kept = np.ones(len(before.fresh.rows), bool)
    kept[before.fresh.of_documents(touched)] = False
    fresh = table(np.concatenate([_stacked(before.fresh, kept), added], axis=1))
    after = Rows(seq, before.table, gone, fresh)
    changed = len(fresh.rows) + after.deleted
    return merged(after) if changed > _FRESH + len(before.table.rows) // 20 else after


def merged(rows: Rows) -> Rows:
    """The same rows as one table."""
    kept = np.ones(len(rows.table.rows), bool) if rows.gone is None else ~rows.gone
    every = np.ones(len(rows.fresh.rows), bool)
    return whole(
        rows.seq, table(np.concatenate([_stacked(rows.table, kept), _stacked(rows.fresh, every)], axis=1))
    )


def whole(seq: int, held: Table) -> Rows:
    """All of a table and nothing else."""
    return Rows(seq, held, None, table(_columns([])))


def table(columns: Ints) -> Table:
    """A table of rows, documents and slots (an array of shape (3, rows)), in whatever order."""
    columns = columns[:, np.argsort(columns[0], kind="stable")]
    rows, documents, slots = (np.ascontiguousarray(each) for each in columns)
    by_slot = np.argsort(slots, kind="stable")
    return Table(rows, documents, slots, by_slot, slots[by_slot])


def _of_documents(connection: Connection, collection: int, documents: Ints) -> Ints:
    """The rows of these documents as columns, by way of three texts: tuples take three times as long."""
    found = connection.execute(
        "SELECT group_concat(row, ' '), group_concat(document, ' '), group_concat(IFNULL(slot, -1), ' ') "
        "FROM chunks WHERE collection = ? AND document IN (SELECT value FROM json_each(?))",
        (collection, json.dumps(documents.tolist())),
    ).fetchone()
    return np.stack([np.fromstring(each or "", np.int64, sep=" ") for each in found])


def _columns(found: list[tuple[int, int, int]]) -> Ints:
    return np.array(found, np.int64).reshape(-1, 3).T


def _stacked(held: Table, kept: Mask) -> Ints:
    return np.stack([held.rows[kept], held.documents[kept], held.slots[kept]])


def _spans(first: Ints, counts: Ints) -> Ints:
    """All whole numbers of spans that begin at `first` and have so many."""
    ends = np.cumsum(counts)
    spans: Ints = np.repeat(first - ends + counts, counts) + np.arange(ends[-1] if len(ends) else 0)
    return spans


def _distinct(slots_sorted: Ints) -> Ints:
    """Sorted slots, each once, without those of rows that have none."""
    slots = slots_sorted[np.searchsorted(slots_sorted, 0) :]
    fresh = np.ones(len(slots), bool)
    fresh[1:] = slots[1:] != slots[:-1]
    return slots[fresh]
