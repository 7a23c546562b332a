"""Qdrant as an engine: each table is a collection, each row a point."""

from __future__ import annotations

import threading
import uuid
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from qdrant_client import QdrantClient, models
from qdrant_client.common.client_exceptions import QdrantException
from qdrant_client.http.exceptions import ResponseHandlingException, UnexpectedResponse

from ragbraid.errors import IndexLocked, IndexStoreError, InputError
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

_LEDGER = uuid.UUID(int=1).hex
_OLDEST = (1, 16)
"""Conditional updates came with this one."""
_PAGE = 1000
_KINDS = {
    "name": models.PayloadSchemaType.KEYWORD,
    "names": models.PayloadSchemaType.KEYWORD,
    "number": models.PayloadSchemaType.INTEGER,
}


class QdrantEngine:
    """See `ragbraid.index.engine.protocol.Engine`."""

    most_hits = 10_000

    def __init__(self, url: Secret, api_key: Secret | None, name: str, strong: bool, timeout: float) -> None:
        self._url, self._api_key, self._name, self._timeout = url, api_key, name, timeout
        self._consistency = models.ReadConsistencyType.MAJORITY if strong else None
        self._remote = url.reveal().startswith(("http://", "https://"))
        self._client: QdrantClient | None = None
        self._lock = threading.RLock()
        where = url.reveal().partition("://")[2].rpartition("@")[2] if self._remote else url.reveal()
        self.shown = f"{where} (name {name})"

    def head(self) -> str | None:
        """See `Engine.head`."""
        if not self._remote and not Path(self._url.reveal()).is_dir():
            return None
        with self._asking() as client:
            name = self._collection("documents")
            if not client.collection_exists(name):
                return None
            found = client.retrieve(name, [_LEDGER], consistency=self._consistency)
            return str(found[0].payload["data"]) if found and found[0].payload else None

    def create(self, dimensions: int | None) -> None:
        """See `Engine.create`."""
        with self._asking() as client:
            if self._remote:
                self._demand_version(client)
            for table, columns in SCHEMA.items():
                name = self._collection(table)
                if not client.collection_exists(name):
                    vectors: Any = {}
                    if dimensions is not None and table in VECTORS:
                        vectors = models.VectorParams(size=dimensions, distance=models.Distance.DOT)
                    client.create_collection(name, vectors_config=vectors)
                if self._remote:
                    for column, kind in columns.items():
                        if kind in _KINDS:
                            client.create_payload_index(name, column, _KINDS[kind])

    def swap(self, expected: str | None, new: str) -> bool:
        """See `Engine.swap`."""
        point = models.PointStruct(
            id=_LEDGER, vector={}, payload={"kind": "ledger", "data": new, "is": _sum(new)}
        )
        how: dict[str, Any] = {"update_mode": models.UpdateMode.INSERT_ONLY}
        if expected is not None:
            same = models.FieldCondition(key="is", match=models.MatchValue(value=_sum(expected)))
            how = {"update_filter": models.Filter(must=[same]), "update_mode": models.UpdateMode.UPDATE_ONLY}
        with self._asking() as client:
            client.upsert(self._collection("documents"), [point], ordering=models.WriteOrdering.STRONG, **how)
            return self.head() == new

    def put(self, table: Table, rows: Sequence[Row]) -> None:
        """See `Engine.put`."""
        points = [
            models.PointStruct(
                id=each.key,
                vector={} if each.vector is None else np.asarray(each.vector).tolist(),
                payload=dict(each.columns),
            )
            for each in rows
        ]
        with self._asking() as client:
            client.upsert(self._collection(table), points, ordering=models.WriteOrdering.STRONG)

    def remove(self, table: Table, where: Sequence[Condition]) -> None:
        """See `Engine.remove`."""
        with self._asking() as client:
            selector = models.FilterSelector(filter=_filter(where))
            client.delete(self._collection(table), selector, ordering=models.WriteOrdering.STRONG)

    def rows(
        self, table: Table, where: Sequence[Condition], columns: Sequence[str], vector: bool = False
    ) -> Iterator[Row]:
        """See `Engine.rows`."""
        offset: Any = None
        with self._asking() as client:
            while True:
                # the local mode looks through all points for every page
                found, offset = client.scroll(
                    self._collection(table),
                    _filter(where),
                    limit=_PAGE if self._remote else 10**9,
                    offset=offset,
                    with_payload=[*columns],
                    with_vectors=vector,
                    consistency=self._consistency,
                )
                yield from map(_row, found)
                if offset is None:
                    return

    def count(self, table: Table, where: Sequence[Condition]) -> int:
        """See `Engine.count`."""
        with self._asking() as client:
            return int(client.count(self._collection(table), _filter(where), exact=True).count)

    def nearest(
        self, vector: Vectors, k: int, where: Sequence[Condition], columns: Sequence[str], exact: bool
    ) -> list[Row]:
        """See `Engine.nearest`."""
        with self._asking() as client:
            found = client.query_points(
                self._collection("chunks"),
                query=vector.tolist(),
                query_filter=_filter(where),
                limit=k,
                search_params=models.SearchParams(exact=exact),
                with_payload=[*columns],
                with_vectors=True,
                consistency=self._consistency,
            )
            return [*map(_row, found.points)]

    def close(self) -> None:
        """See `Engine.close`."""
        with self._lock:
            client, self._client = self._client, None
        if client is not None:
            client.close()

    def _collection(self, table: Table) -> str:
        return f"{self._name}-{table}"

    @contextmanager
    def _asking(self) -> Iterator[QdrantClient]:
        """The client; the local one for one thread at a time. Makes ragbraid's errors of Qdrant's."""
        with self._lock:
            client = self._client = self._client or self._connected()
            if not self._remote:
                with self._speaking():
                    yield client
                return
        with self._speaking():
            yield client

    def _connected(self) -> QdrantClient:
        with self._speaking(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that a key goes over http, and which version answers
            if not self._remote:
                try:
                    return QdrantClient(path=self._url.reveal(), force_disable_check_same_thread=True)
                except RuntimeError:
                    raise IndexLocked(
                        f"The folder of {self.shown} is open in another process or index.",
                        "Close that one, or give the `url` of a Qdrant server, which takes any number.",
                    ) from None
            key = None if self._api_key is None else self._api_key.reveal()
            return QdrantClient(
                self._url.reveal(),
                api_key=key,
                timeout=max(1, round(self._timeout)),
                check_compatibility=False,
            )

    def _demand_version(self, client: QdrantClient) -> None:
        version = client.info().version
        if tuple(int(each) for each in version.split(".")[:2]) < _OLDEST:
            raise IndexStoreError(
                f"The server of {self.shown} is Qdrant {version}; 1.16 or newer is needed.",
                "Update it: older ones have no conditional updates, by which writers take turns.",
            )

    @contextmanager
    def _speaking(self) -> Iterator[None]:
        try:
            yield
        except (ResponseHandlingException, QdrantException, ConnectionError, TimeoutError) as error:
            raise AwayError(self._told(error)) from None
        except UnexpectedResponse as error:
            raise self._refused(error) from None

    def _refused(self, error: UnexpectedResponse) -> Exception:
        code, said = error.status_code or 0, self._told(error)
        if code in (408, 429) or code >= 500:
            return AwayError(said)
        if code in (401, 403):
            return IndexStoreError(
                f"The server of {self.shown} doesn't allow that: {said}.", "Give an `api_key` that may."
            )
        if code == 404:
            return IndexStoreError(
                f"The server of {self.shown} lacks a part of the index: {said}.",
                "Restore a snapshot, or name another index and ingest again.",
            )
        return InputError(f"The server of {self.shown} can't do that: {said}.")

    def _told(self, error: Exception) -> str:
        """The client's or the server's words in one line, without a secret."""
        text = str(error)
        if isinstance(error, UnexpectedResponse):
            try:
                text = str(error.structured()["status"]["error"])
            except (ValueError, KeyError, TypeError):
                text = f"status {error.status_code}"
        for secret in (self._url, self._api_key):
            if secret is not None:
                text = text.replace(secret.reveal(), "***")
        return text.partition("\n")[0].strip().rstrip(".") or type(error).__name__


def _sum(text: str) -> str:
    return uuid.uuid5(uuid.NAMESPACE_OID, text).hex


def _row(found: Any) -> Row:
    vector = np.array(found.vector, np.float32) if isinstance(found.vector, list) else None
    return Row(str(found.id).replace("-", ""), found.payload or {}, vector)


def _filter(where: Sequence[Condition]) -> models.Filter:
    must: list[Any] = []
    must_not: list[Any] = []
    for each in where:
        match each:
            case In("key", values):
                must.append(models.HasIdCondition(has_id=[*map(str, values)]))
            case In(column, values):
                must.append(_any(column, values))
            case NotIn(column, values):
                must_not.append(_any(column, values))
            case Within(column, first, last):
                must.append(models.FieldCondition(key=column, range=models.Range(gte=first, lte=last)))
            case Outside(column, first, last):
                must_not.append(models.FieldCondition(key=column, range=models.Range(gte=first, lte=last)))
    return models.Filter(must=must, must_not=must_not)


def _any(column: str, values: Sequence[Any]) -> models.FieldCondition:
    return models.FieldCondition(key=column, match=models.MatchAny(any=[*values]))
