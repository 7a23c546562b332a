"""An engine in memory, in plain Python: what a vector database has to do to hold an index."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ragbraid.index.engine.protocol import Condition, In, NotIn, Outside, Row, Table, Within
from ragbraid.types import Vectors


class ListEngine:
    """Keeps rows in memory and looks through all of them. `most_hits` is few, so that it is met."""

    def __init__(self, shown: str = "memory") -> None:
        self.shown, self.most_hits = shown, 200
        self._head: str | None = None
        self._tables: dict[Table, dict[str, Row]] = {"chunks": {}, "documents": {}, "spare": {}}
        self._lock = threading.Lock()

    def head(self) -> str | None:
        """See `Engine.head`."""
        return self._head

    def create(self, dimensions: int | None) -> None:
        """Nothing has to be made."""

    def swap(self, expected: str | None, new: str) -> bool:
        """See `Engine.swap`."""
        with self._lock:
            done = self._head == expected
            self._head = new if done else self._head
            return done

    def put(self, table: Table, rows: Sequence[Row]) -> None:
        """See `Engine.put`."""
        with self._lock:
            self._tables[table] = {**self._tables[table], **{each.key: each for each in rows}}

    def remove(self, table: Table, where: Sequence[Condition]) -> None:
        """See `Engine.remove`."""
        with self._lock:
            kept = {key: row for key, row in self._tables[table].items() if not _holds(where, row)}
            self._tables[table] = kept

    def rows(
        self, table: Table, where: Sequence[Condition], columns: Sequence[str], vector: bool = False
    ) -> list[Row]:
        """See `Engine.rows`."""
        return [_told(each, columns, vector) for each in self._tables[table].values() if _holds(where, each)]

    def count(self, table: Table, where: Sequence[Condition]) -> int:
        """See `Engine.count`."""
        return len(self.rows(table, where, ()))

    def nearest(
        self, vector: Vectors, k: int, where: Sequence[Condition], columns: Sequence[str], exact: bool
    ) -> list[Row]:
        """See `Engine.nearest`."""
        del exact
        found = self.rows("chunks", where, columns, vector=True)
        return sorted(found, key=lambda each: -float(np.dot(np.asarray(each.vector), vector)))[:k]

    def close(self) -> None:
        """Nothing is open; what was written stays, as it does in a database."""


def _holds(where: Sequence[Condition], row: Row) -> bool:
    values: Mapping[str, Any] = {**row.columns, "key": row.key}
    return all(_is(each, values[each.column]) for each in where)


def _is(condition: Condition, value: Any) -> bool:
    among = value if isinstance(value, list) else [value]
    match condition:
        case In(_, values):
            return any(each in values for each in among)
        case NotIn(_, values):
            return not any(each in values for each in among)
        case Within(_, first, last):
            return bool(first <= value <= last)
        case Outside(_, first, last):
            return not first <= value <= last


def _told(row: Row, columns: Sequence[str], vector: bool) -> Row:
    return replace(
        row, columns={each: row.columns[each] for each in columns}, vector=row.vector if vector else None
    )
