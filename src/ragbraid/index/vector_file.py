"""The vectors: one file of float32 rows that only grows, checked by sums that the database keeps.

A header of 4,096 bytes, then row after row ("slots") without gaps, so that the whole file maps as one
matrix. Rows are written and synced before the transaction that refers to them commits; rows past the last
committed one are the torn tail of a crash, and the next writer writes over them.
"""

from __future__ import annotations

import os
import struct
import sys
import zlib
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from uuid import UUID

import numpy as np

from ragbraid.index.store import sync_folder
from ragbraid.types import Vectors

NAME = "vectors.f32"
HEADER = 4096
BLOCK_ROWS = 1024
_MAGIC = b"RaBrVec\0"
_LAYOUT = struct.Struct("<8sII16s")
_VERSION = 1


class VectorFileError(Exception):
    """The file isn't what the database says it is; the text says why."""


class VectorFile:
    """The vectors of one index, identified by its uuid."""

    def __init__(self, folder: Path, uuid: str, dimensions: int) -> None:
        self.path = folder / NAME
        self.dimensions = dimensions
        self._header = _header(uuid, dimensions)

    def map(self, count: int) -> Vectors:
        """The first `count` rows, read from the file as they are touched. Raises `VectorFileError`."""
        if not count:
            return np.empty((0, self.dimensions), np.float32)
        try:
            with self.path.open("rb") as file:
                if file.read(len(self._header)) != self._header:
                    raise VectorFileError("its header is another index's or damaged")
                if os.fstat(file.fileno()).st_size < self._place(count):
                    raise VectorFileError("it is shorter than it was")
                return np.memmap(file, np.float32, "r", HEADER, (count, self.dimensions))
        except FileNotFoundError:
            raise VectorFileError("it is missing") from None

    def append(self, first: int, rows: Vectors) -> list[tuple[int, int, int]]:
        """Write rows from slot `first` on, synced to disk; returns blocks of (first, count, CRC-32)."""
        fresh = not self.path.exists()
        data = np.ascontiguousarray(rows, np.float32)
        handle = os.open(self.path, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o644)
        try:
            if os.read(handle, HEADER) != self._header:
                os.lseek(handle, 0, os.SEEK_SET)
                _write_all(handle, self._header)
            # Windows refuses to cut a file that is mapped; the tail is then written over.
            with suppress(OSError):
                os.ftruncate(handle, self._place(first))
            os.lseek(handle, self._place(first), os.SEEK_SET)
            _write_all(handle, data.data.cast("B"))
            _sync(handle)
        finally:
            os.close(handle)
        if fresh:
            sync_folder(self.path.parent)
        starts = range(0, len(data), BLOCK_ROWS)
        return [(first + i, len(part := data[i : i + BLOCK_ROWS]), zlib.crc32(part.data)) for i in starts]

    def bad_blocks(self, blocks: Iterable[tuple[int, int, int]]) -> list[int]:
        """The first slots of those blocks whose bytes aren't what was written."""
        bad = []
        for first, count, crc in blocks:
            try:
                if zlib.crc32(np.ascontiguousarray(self.map(first + count)[first:]).data) != crc:
                    bad.append(first)
            except VectorFileError:
                bad.append(first)
        return bad

    def copy(self, folder: Path, count: int) -> None:
        """Write the first `count` rows into a new file in another folder."""
        handle = os.open(
            folder / NAME, os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o644
        )
        try:
            _write_all(handle, self._header)
            _write_all(handle, np.ascontiguousarray(self.map(count)).data.cast("B"))
            _sync(handle)
        finally:
            os.close(handle)

    def _place(self, slot: int) -> int:
        return HEADER + slot * self.dimensions * 4


def _header(uuid: str, dimensions: int) -> bytes:
    head = _LAYOUT.pack(_MAGIC, _VERSION, dimensions, UUID(uuid).bytes)
    head += struct.pack("<I", zlib.crc32(head))
    return head.ljust(HEADER, b"\0")


def _write_all(handle: int, data: bytes | memoryview) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(handle, rest) :]


def _sync(handle: int) -> None:
    if sys.platform == "darwin":
        import fcntl

        fcntl.fcntl(handle, fcntl.F_FULLFSYNC)
    else:
        os.fsync(handle)
