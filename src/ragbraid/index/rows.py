"""What one collection holds, row by row, as arrays: the derived structure that dense search runs over.

A value: it belongs to one sequence number of the log, and a newer one is made from it by replaying the log.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from sqlite3 import Connection
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Ints: TypeAlias = npt.NDArray[np.int64]
Mask: TypeAlias = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Rows in ascending order, each with its document and its slot in the vector file (-1: none)."""

    seq: int
    rows: Ints
    documents: Ints
    slots: Ints
    by_slot: Ints
    """Positions ordered by slot, those without a vector first."""
    slots_sorted: Ints
    live: Ints
    """Every slot in use, once, in ascending order."""

    @property
    def missing(self) -> int:
        """How many rows have no vector."""
        return int(np.searchsorted(self.slots_sorted, 0))

    def mask(self, rows: Ints) -> Mask:
        """Which positions hold these rows, all of which are here."""
        mask = np.zeros(len(self.rows), bool)
        mask[np.searchsorted(self.rows, rows)] = True
        return mask

    def at_slots(self, slots: Ints) -> tuple[Ints, Ints]:
        """The positions that share these slots, and for each which of `slots` it is."""
        low = np.searchsorted(self.slots_sorted, slots, "left")
        counts = np.searchsorted(self.slots_sorted, slots, "right") - low
        which = np.repeat(np.arange(len(slots)), counts)
        offsets = np.arange(len(which)) - np.repeat(np.cumsum(counts) - counts, counts)
        return self.by_slot[low[which] + offsets], which


def sequence(connection: Connection, collection: int) -> int:
    """The newest entry of a collection's log."""
    found = connection.execute("SELECT MAX(seq) FROM log WHERE collection = ?", (collection,)).fetchone()[0]
    return int(found or 0)


def load(connection: Connection, collection: int, seq: int) -> Rows:
    """The rows of a collection as the connection's transaction sees them."""
    return _made(
        seq,
        connection.execute(
            "SELECT row, document, IFNULL(slot, -1) FROM chunks WHERE collection = ?", (collection,)
        ).fetchall(),
    )


def advance(connection: Connection, collection: int, before: Rows, seq: int) -> Rows:
    """The rows at `seq`, by replaying the log from `before`."""
    entries = connection.execute(
        "SELECT operation, document FROM log WHERE collection = ? AND seq > ?", (collection, before.seq)
    ).fetchall()
    touched = {document for _, document in entries}
    if len(touched) * 2 > len(before.rows) or any(operation == "reset" for operation, _ in entries):
        return load(connection, collection, seq)
    fresh = _columns(
        connection.execute(
            "SELECT row, document, IFNULL(slot, -1) FROM chunks WHERE collection = ? AND document IN "
            "(SELECT value FROM json_each(?))",
            (collection, json.dumps(sorted(touched))),
        ).fetchall()
    )
    keep = ~np.isin(before.documents, np.fromiter(touched, np.int64, len(touched)))
    kept = np.stack([before.rows[keep], before.documents[keep], before.slots[keep]])
    return _ordered(seq, np.concatenate([kept, fresh], axis=1))


def _made(seq: int, found: list[Any]) -> Rows:
    return _ordered(seq, _columns(found))


def _columns(found: list[Any]) -> Ints:
    return np.array(found, np.int64).reshape(-1, 3).T


def _ordered(seq: int, columns: Ints) -> Rows:
    columns = columns[:, np.argsort(columns[0], kind="stable")]
    rows, documents, slots = (np.ascontiguousarray(each) for each in columns)
    by_slot = np.argsort(slots, kind="stable")
    slots_sorted = slots[by_slot]
    return Rows(seq, rows, documents, slots, by_slot, slots_sorted, distinct(slots_sorted))


def distinct(slots_sorted: Ints) -> Ints:
    """The slots of sorted rows, each once, without those that have none."""
    slots = slots_sorted[np.searchsorted(slots_sorted, 0) :]
    fresh = np.ones(len(slots), bool)
    fresh[1:] = slots[1:] != slots[:-1]
    return slots[fresh]
