"""LanceDB as an engine: each table is one, and the ledger a table of a single row."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import lancedb
import numpy as np
import pyarrow as pa

from ragbraid.errors import IndexStoreError
from ragbraid.index.engine.protocol import (
    SCHEMA,
    VECTORS,
    AwayError,
    Condition,
    In,
    NotIn,
    Outside,
    Row,
    Table,
    Within,
)
from ragbraid.secret import Secret
from ragbraid.types import Vectors

_TYPES = {"name": pa.utf8(), "text": pa.utf8(), "number": pa.int64(), "names": pa.list_(pa.utf8())}
_LEDGER = pa.schema([("key", pa.utf8()), ("data", pa.utf8())])
_TIDIED = 64
"""After so many writes to a table its files are joined."""


class LanceDbEngine:
    """See `ragbraid.index.engine.protocol.Engine`."""

    most_hits = 10**6

    def __init__(self, url: Secret, name: str, strong: bool) -> None:
        self._url, self._name = url, name
        self._every = timedelta(0 if strong else 5)
        self._connection: Any = None
        self._tables: dict[str, Any] = {}
        self._writes: dict[str, int] = {}
        self._lock = threading.RLock()
        self.shown = f"{url.reveal().rpartition('@')[2]} (name {name})"

    def head(self) -> str | None:
        """See `Engine.head`."""
        url = self._url.reveal()
        if "://" not in url and not Path(url).is_dir():
            return None
        with self._speaking():
            if not self._has("ledger"):
                return None
            found = self._table("ledger").to_arrow().to_pylist()
            return str(found[0]["data"]) if found else None

    def create(self, dimensions: int | None) -> None:
        """See `Engine.create`."""
        with self._speaking():
            for table, columns in SCHEMA.items():
                fields = [("key", pa.utf8()), *((column, _TYPES[kind]) for column, kind in columns.items())]
                if dimensions is not None and table in VECTORS:
                    fields.append(("vector", pa.list_(pa.float32(), dimensions)))
                self._make(table, pa.schema(fields))
            self._make("ledger", _LEDGER)

    def swap(self, expected: str | None, new: str) -> bool:
        """See `Engine.swap`. LanceDB commits a version of a table only on top of the one that it changes."""
        row = pa.Table.from_pylist([{"key": "ledger", "data": new}], _LEDGER)
        with self._lock, self._speaking():
            table = self._table("ledger")
            merge = table.merge_insert("key")
            if expected is None:
                merge.when_not_matched_insert_all().execute(row)
            else:
                merge.when_matched_update_all(where=f"target.data = {_text(expected)}").execute(row)
            return self.head() == new

    def put(self, table: Table, rows: Sequence[Row]) -> None:
        """See `Engine.put`."""
        with self._speaking():
            target = self._table(table)
            given = [{"key": each.key, **each.columns, "vector": each.vector} for each in rows]
            made = pa.Table.from_pylist(given, target.schema)
            merge = target.merge_insert("key").when_matched_update_all().when_not_matched_insert_all()
            merge.execute(made)
            self._tidy(table)

    def remove(self, table: Table, where: Sequence[Condition]) -> None:
        """See `Engine.remove`."""
        with self._speaking():
            if self.count(table, where):  # a deletion of nothing would make a version of its own
                self._table(table).delete(_sql(where))
                self._tidy(table)

    def rows(
        self, table: Table, where: Sequence[Condition], columns: Sequence[str], vector: bool = False
    ) -> Iterator[Row]:
        """See `Engine.rows`."""
        with self._speaking():
            wanted = ["key", *columns, *(["vector"] if vector else [])]
            yield from _rows(self._table(table).search().where(_sql(where)).select(wanted).to_arrow())

    def count(self, table: Table, where: Sequence[Condition]) -> int:
        """See `Engine.count`."""
        with self._speaking():
            return int(self._table(table).count_rows(_sql(where)))

    def nearest(
        self, vector: Vectors, k: int, where: Sequence[Condition], columns: Sequence[str], exact: bool
    ) -> list[Row]:
        """See `Engine.nearest`."""
        del exact  # there is no other way than to compare all
        with self._speaking():
            asked = self._table("chunks").search(vector, vector_column_name="vector").distance_type("dot")
            wanted = ["key", *columns, "vector", "_distance"]
            return [*_rows(asked.where(_sql(where), prefilter=True).select(wanted).limit(k).to_arrow())]

    def close(self) -> None:
        """See `Engine.close`."""
        with self._lock:
            self._connection, self._tables = None, {}

    def _connected(self) -> Any:
        with self._lock:
            if self._connection is None:
                self._connection = lancedb.connect(self._url.reveal(), read_consistency_interval=self._every)
            return self._connection

    def _has(self, table: str) -> bool:
        if table in self._tables:
            return True
        try:
            self._table(table)
        except ValueError:  # of a table that isn't there
            return False
        return True

    def _table(self, table: str) -> Any:
        with self._lock:
            if table not in self._tables:
                self._tables[table] = self._connected().open_table(f"{self._name}-{table}")
            return self._tables[table]

    def _make(self, table: str, schema: pa.Schema) -> None:
        if not self._has(table):
            self._connected().create_table(f"{self._name}-{table}", schema=schema, exist_ok=True)

    def _tidy(self, table: str) -> None:
        with self._lock:
            self._writes[table] = (self._writes.get(table, 0) + 1) % _TIDIED
            if not self._writes[table]:
                self._table(table).optimize()

    @contextmanager
    def _speaking(self) -> Iterator[None]:
        try:
            yield
        except (RuntimeError, ValueError, OSError) as error:
            said = str(error).partition("\n")[0].replace(self._url.reveal(), "***").strip().rstrip(".")
            if "ommit conflict" in said or "oo many concurrent" in said or "imed out" in said:
                raise AwayError(said) from None
            raise IndexStoreError(
                f"The index at {self.shown} can't be read or written: {said}.",
                "See whether `url` is right, and whether there is room and the right to write.",
            ) from None


def _rows(found: pa.Table) -> Iterator[Row]:
    vectors: Any = None
    if "vector" in found.column_names and found.num_rows:
        column = found.column("vector").combine_chunks()
        vectors = np.asarray(column.flatten()).reshape(found.num_rows, -1)
        found = found.drop_columns(["vector"])
    for at, each in enumerate(found.to_pylist()):
        yield Row(each.pop("key"), each, None if vectors is None else vectors[at])


def _sql(where: Sequence[Condition]) -> str:
    return " AND ".join(map(_condition, where)) or "true"


def _condition(condition: Condition) -> str:
    match condition:
        case In(column, values):
            return _any(column, values)
        case NotIn(column, values):
            return f"NOT {_any(column, values)}"
        case Within(column, first, last):
            return f"(`{column}` >= {first} AND `{column}` <= {last})"
        case Outside(column, first, last):
            return f"(`{column}` < {first} OR `{column}` > {last})"


def _any(column: str, values: Sequence[str | int]) -> str:
    some = ", ".join(_text(each) if isinstance(each, str) else str(each) for each in values)
    if column in ("fields", "terms"):
        return f"array_has_any({column}, [{some}])"
    return f"(`{column}` IN ({some}))"


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
