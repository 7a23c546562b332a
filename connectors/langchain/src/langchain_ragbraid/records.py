"""The records of an index, as LangChain's stores keep their documents in it."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from langchain_core.documents import Document

from langchain_ragbraid.documents import to_document
from ragbraid.index.records import Record, Records


class Table:
    """Records whose vectors' length is known from the first vector on."""

    def __init__(self, path: str | Path, collection: str) -> None:
        self._path = Path(path)
        self._collection = collection
        self._records: Records | None = None
        self._width: int | None = None
        self._lock = threading.Lock()

    def records(self, width: int | None = None) -> Records:
        """The records; `width` is the length of the vectors that they have, where it is known."""
        with self._lock:
            if self._records is None or (width is not None and self._width is None):
                if self._records is not None:
                    self._records.close()
                self._records = Records(self._path, width, self._collection)
                self._width = width
            return self._records

    def put(self, records: Sequence[Record]) -> None:
        """Store records, each in place of the one with its id; all of them or none."""
        if records:
            vector = records[0].vector
            self.records(None if vector is None else len(vector)).put(records)

    def nearest(
        self,
        vector: Sequence[float],
        k: int,
        filter: Mapping[str, Any] | None,
        *,
        vectors: bool = False,
    ) -> list[Record]:
        """The k nearest to a vector; none where nothing was ever stored."""
        return self.records(len(vector)).nearest(vector, k, filter, vectors=vectors)

    def close(self) -> None:
        """Let go of every file."""
        with self._lock:
            if self._records is not None:
                self._records.close()
                self._records, self._width = None, None


def to_record(document: Document, vector: list[float] | None) -> Record:
    """A document that has an id, as a record."""
    return Record(str(document.id), document.page_content, document.metadata, vector)


def to_their_document(record: Record) -> Document:
    """The document that a record is; a chunk that `ragbraid ingest` stored has its place in its metadata."""
    if record.hit is not None:
        return to_document(record.hit)
    return Document(id=record.id, page_content=record.text, metadata=dict(record.metadata))
