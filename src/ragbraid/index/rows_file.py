"""The rows of a collection in a file of their own, so that a large index opens without reading its database.

A header of 4,096 bytes, then five arrays of little-endian int64, one after the other. Opening maps them and
compares their sum; a file that is damaged, foreign or ahead of the database counts as missing. A new one is
written beside the old, and takes its place when it is on disk.
"""

from __future__ import annotations

import os
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import numpy as np

from ragbraid.index.checks import crc_of
from ragbraid.index.rows import Ints, Rows, Table, merged, whole

FOLDER = "rows"
_HEADER = 4096
_MAGIC = b"RaBrRow\0"
_VERSION = 1
_LAYOUT = struct.Struct("<8sI16sQQQI")
_SUM = struct.Struct("<I")
_ENOUGH = 10_000
"""So many changes, and a twentieth of the rows, are replayed from the log rather than written again."""


@dataclass(frozen=True, slots=True)
class _Head:
    """The state of the log that it was written at, the number of rows, the last one, and the arrays' sum."""

    seq: int
    count: int
    last: int
    crc: int


class RowsFile:
    """The rows of one collection of the index with this uuid."""

    def __init__(self, folder: Path, collection: int, uuid: str) -> None:
        self.path = folder / FOLDER / str(collection)
        self._uuid = UUID(uuid).bytes

    def read(self) -> Rows | None:
        """The rows as they were written; None where there is no such file, or not as it was written."""
        head = self._head()
        if head is None:
            return None
        shape = (5, head.count)
        try:
            with self.path.open("rb") as file:
                file.seek(_HEADER)
                # What is read isn't mapped, and so doesn't count as memory until it is looked at.
                if crc_of(file) != head.crc:
                    return None
                arrays: Ints = (
                    np.memmap(file, "<i8", "r", _HEADER, shape) if head.count else np.empty(shape, "<i8")
                )
        except (OSError, ValueError):
            return None
        return whole(head.seq, Table(*np.asarray(arrays)))

    def serves(self, seq: int, newest: int) -> bool:
        """Whether what has changed up to `seq`, and to the `newest` row, is soon replayed."""
        head = self._head() or _Head(0, 0, 0, 0)
        enough = _ENOUGH + head.count // 20
        return 0 <= seq - head.seq <= enough and newest - head.last <= enough

    def is_damaged(self) -> bool:
        """Whether there is a file that isn't as it was written."""
        return self.path.exists() and self.read() is None

    def write(self, rows: Rows) -> None:
        """Store the rows, on disk when this returns."""
        table = merged(rows).table
        arrays = [
            np.ascontiguousarray(each, "<i8").data
            for each in (table.rows, table.documents, table.slots, table.by_slot, table.slots_sorted)
        ]
        crc = 0
        for each in arrays:
            crc = zlib.crc32(each, crc)
        last = int(table.rows[-1]) if len(table.rows) else 0
        head = _LAYOUT.pack(_MAGIC, _VERSION, self._uuid, rows.seq, len(table.rows), last, crc)
        self.path.parent.mkdir(exist_ok=True)
        partial = self.path.with_name(f"{self.path.name}.partial")
        with partial.open("wb") as file:
            file.write((head + _SUM.pack(zlib.crc32(head))).ljust(_HEADER, b"\0"))
            for each in arrays:
                file.write(each)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(self.path)

    def _head(self) -> _Head | None:
        try:
            with self.path.open("rb") as file:
                header = file.read(_HEADER)
                size = os.fstat(file.fileno()).st_size
            magic, version, owner, seq, count, last, crc = _LAYOUT.unpack_from(header)
            (own,) = _SUM.unpack_from(header, _LAYOUT.size)
        except (OSError, struct.error):
            return None
        mine = (magic, version, owner) == (_MAGIC, _VERSION, self._uuid)
        whole_size = size == _HEADER + 5 * 8 * count
        sound = own == zlib.crc32(header[: _LAYOUT.size])
        return _Head(seq, count, last, crc) if mine and whole_size and sound else None
