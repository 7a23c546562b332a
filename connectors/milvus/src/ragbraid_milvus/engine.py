"""Milvus as an engine: each table is a collection, and the ledger a collection of a single row."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from grpc import RpcError
from pymilvus import DataType, MilvusClient, MilvusException

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

_PAGE = 1000
_SETTLED = 0.1
"""Seconds after which a swap on a server is read back: Milvus has no conditional write."""
_WARNING = "pymilvus.client.iterator.query_iterator"
_MOST_NAMES = 4096
_PLAIN = [0.0, 0.0]
"""The vector of a row that has none, which Milvus doesn't know."""


class MilvusEngine:
    """See `ragbraid.index.engine.protocol.Engine`."""

    most_hits = 16_000

    def __init__(self, url: Secret, token: Secret | None, name: str, strong: bool, timeout: float) -> None:
        self._url, self._token, self._name, self._timeout = url, token, name, timeout
        self._level = "Strong" if strong else "Bounded"
        self._remote = "://" in url.reveal()
        self._client: Any = None
        self._lock = threading.RLock()
        self.shown = f"{url.reveal().rpartition('://')[2].rpartition('@')[2]} (name {name})"

    def head(self) -> str | None:
        """See `Engine.head`."""
        if not self._remote and not Path(self._url.reveal()).exists():
            return None
        with self._asking() as client:
            name = self._collection("ledger")
            if not client.has_collection(name):
                return None
            found = client.get(name, ["ledger"], output_fields=["data"], consistency_level=self._level)
            return str(found[0]["data"]) if found else None

    def create(self, dimensions: int | None) -> None:
        """See `Engine.create`."""
        with self._asking() as client:
            for table, columns in SCHEMA.items():
                self._make(client, table, columns, dimensions if table in VECTORS else None)
            self._make(client, "ledger", {"data": "text"}, None)

    def swap(self, expected: str | None, new: str) -> bool:
        """See `Engine.swap`.

        Milvus has no conditional write. A writer waits, once it has written, until nobody who read before can
        be about to write, and the last one has it (Fischer's algorithm; Lamport, "A fast mutual exclusion
        algorithm", 1987, section 2).
        """
        with self._lock, self._asking() as client:
            if self.head() != expected:
                return False
            client.upsert(self._collection("ledger"), [{"key": "ledger", "data": new, "vector": _PLAIN}])
            if self._remote:
                time.sleep(_SETTLED)
            return self.head() == new

    def put(self, table: Table, rows: Sequence[Row]) -> None:
        """See `Engine.put`."""
        given = [
            {
                "key": each.key,
                **each.columns,
                "vector": _PLAIN if each.vector is None else np.asarray(each.vector, np.float32),
            }
            for each in rows
        ]
        with self._asking() as client:
            client.upsert(self._collection(table), given)

    def remove(self, table: Table, where: Sequence[Condition]) -> None:
        """See `Engine.remove`."""
        with self._asking() as client:
            client.delete(self._collection(table), filter=_expression(where))

    def rows(
        self, table: Table, where: Sequence[Condition], columns: Sequence[str], vector: bool = False
    ) -> Iterator[Row]:
        """See `Engine.rows`."""
        wanted = ["key", *columns, *(["vector"] if vector else [])]
        with self._asking() as client:
            pages = client.query_iterator(
                self._collection(table),
                batch_size=_PAGE,
                filter=_expression(where),
                output_fields=wanted,
                consistency_level=self._level,
            )
            try:
                while found := pages.next():
                    yield from map(_row, found)
            finally:
                pages.close()

    def count(self, table: Table, where: Sequence[Condition]) -> int:
        """See `Engine.count`."""
        with self._asking() as client:
            found = client.query(
                self._collection(table),
                filter=_expression(where),
                output_fields=["count(*)"],
                consistency_level=self._level,
            )
            return int(found[0]["count(*)"])

    def nearest(
        self, vector: Vectors, k: int, where: Sequence[Condition], columns: Sequence[str], exact: bool
    ) -> list[Row]:
        """See `Engine.nearest`."""
        del exact  # FLAT compares all
        with self._asking() as client:
            (found,) = client.search(
                self._collection("chunks"),
                data=[vector.tolist()],
                filter=_expression(where),
                limit=k,
                output_fields=["key", *columns, "vector"],
                search_params={"metric_type": "IP"},
                anns_field="vector",
                consistency_level=self._level,
            )
            return [_row(dict(each["entity"])) for each in found]

    def close(self) -> None:
        """See `Engine.close`."""
        with self._lock:
            client, self._client = self._client, None
        if client is not None:
            client.close()

    def _make(self, client: Any, table: str, columns: Any, dimensions: int | None) -> None:
        name = self._collection(table)
        if client.has_collection(name):
            return
        schema = client.create_schema(auto_id=False, enable_dynamic_field=False)
        schema.add_field("key", DataType.VARCHAR, is_primary=True, max_length=64)
        schema.add_field("vector", DataType.FLOAT_VECTOR, dim=dimensions or len(_PLAIN))
        for column, kind in columns.items():
            if kind == "number":
                schema.add_field(column, DataType.INT64)
            elif kind == "names":
                schema.add_field(
                    column,
                    DataType.ARRAY,
                    element_type=DataType.VARCHAR,
                    max_capacity=_MOST_NAMES,
                    max_length=64,
                )
            else:
                schema.add_field(column, DataType.VARCHAR, max_length=64 if kind == "name" else 65_535)
        indexes = client.prepare_index_params()
        indexes.add_index("vector", index_type="FLAT", metric_type="IP")
        client.create_collection(name, schema=schema, index_params=indexes, consistency_level="Strong")

    def _collection(self, table: str) -> str:
        return f"{self._name}_{table}"

    @contextmanager
    def _asking(self) -> Iterator[Any]:
        """The client. Makes ragbraid's errors of Milvus's."""
        try:
            with self._lock:
                if self._client is None:
                    if not self._remote:  # Lite has no timestamps, and a warning for each question says so
                        logging.getLogger(_WARNING).setLevel(logging.ERROR)
                    token = "" if self._token is None else self._token.reveal()
                    self._client = MilvusClient(self._url.reveal(), token=token, timeout=self._timeout)
                client = self._client
            yield client
        except (RpcError, ConnectionError) as error:
            raise AwayError(self._told(error)) from None
        except MilvusException as error:
            said = self._told(error)
            if any(
                each in said.lower() for each in ("unavailable", "fail connecting", "timeout", "deadline")
            ):
                raise AwayError(said) from None
            raise IndexStoreError(
                f"The index at {self.shown} can't be read or written: {said}.",
                "See whether `url` and `token` are right.",
            ) from None

    def _told(self, error: Exception) -> str:
        text = str(getattr(error, "message", "") or error)
        for secret in (self._url, self._token):
            if secret is not None and secret.reveal():
                text = text.replace(secret.reveal(), "***")
        return text.partition("\n")[0].strip().rstrip(".") or type(error).__name__


def _row(found: dict[str, Any]) -> Row:
    vector = found.pop("vector", None)
    columns = {each: list(value) if isinstance(value, Sequence) and not isinstance(value, str) else value
               for each, value in found.items() if each != "key"}  # fmt: skip
    return Row(str(found["key"]), columns, None if vector is None else np.asarray(vector, np.float32))


def _expression(where: Sequence[Condition]) -> str:
    return " and ".join(map(_condition, where))


def _condition(condition: Condition) -> str:
    match condition:
        case In(column, values):
            return _any(column, values)
        case NotIn(column, values):
            return f"not {_any(column, values)}"
        case Within(column, first, last):
            return f"({column} >= {first} and {column} <= {last})"
        case Outside(column, first, last):
            return f"({column} < {first} or {column} > {last})"


def _any(column: str, values: Sequence[str | int]) -> str:
    some = ", ".join(f'"{each}"' if isinstance(each, str) else str(each) for each in values)
    if column in ("fields", "terms"):
        return f"(array_contains_any({column}, [{some}]))"
    return f"({column} in [{some}])"
