"""Documents that a scan has met, kept in a temporary file until they are loaded."""

from __future__ import annotations

import datetime
import hashlib
import json
import tempfile
import threading
import weakref
from dataclasses import dataclass
from typing import Any

from ragbraid.errors import LoadError
from ragbraid.load.template import READING
from ragbraid.types import Document, SourceRef


class Spool:
    """One scan's documents; the file is gone once nothing refers to any of them."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile(prefix="ragbraid-")  # noqa: SIM115 - it lives as long as this
        weakref.finalize(self, self._file.close)
        self._lock = threading.Lock()
        self._end = 0

    def keep(self, origin: str, location: str, document: Document) -> SourceRef:
        """Write a document down; its stamp is the SHA-256 of all that it says."""
        told = {"text": document.text, "metadata": document.metadata}
        data = json.dumps(told, default=_told, ensure_ascii=False, sort_keys=True).encode("utf-8", "replace")
        return SourceRef(origin, location, len(data), hashlib.sha256(data).hexdigest(), self.put(data))

    def put(self, data: bytes) -> Spooled:
        """Write some bytes down; where they are."""
        with self._lock:
            self._file.seek(self._end)
            self._file.write(data)
            place = Spooled(self, self._end, len(data))
            self._end += len(data)
        return place

    def read(self, start: int, length: int) -> bytes:
        """The bytes at a place."""
        with self._lock:
            self._file.seek(start)
            return self._file.read(length)


@dataclass(frozen=True, slots=True)
class Spooled:
    """Where in a spool a document lies."""

    spool: Spool
    start: int
    length: int


def spooled(ref: SourceRef) -> Document:
    """The document of a source that a scan kept. Raises `LoadError` for a source of no scan."""
    if not isinstance(ref.held, Spooled):
        raise LoadError(f"{ref.origin} isn't there any more.", "Ingest again.")
    told = json.loads(ref.held.spool.read(ref.held.start, ref.held.length))
    return Document(ref.origin, told["text"], told["metadata"], reading=READING)


def _told(value: Any) -> Any:
    # As the index itself reads a date in metadata.
    return {"$date": value.isoformat()} if isinstance(value, datetime.date) else str(value)
