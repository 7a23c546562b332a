"""The vectors: one file of rows that only grows, checked by sums that the database keeps.

A header of 4,096 bytes, then row after row ("slots") without gaps, so that the whole file maps as one
matrix. Rows are written and synced before the transaction that refers to them commits; rows past the last
committed one are the torn tail of a crash, and the next writer writes over them.
"""

from __future__ import annotations

import errno
import mmap
import os
import struct
import zlib
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import UUID
from weakref import finalize

import numpy as np

from ragbraid.index.rows import Ints
from ragbraid.index.store import sync, sync_folder
from ragbraid.types import Vectors

HEADER = 4096
BLOCK_ROWS = 1024
_MAGIC = {"<f4": b"RaBrVec\0", "|i1": b"RaBrTok\0"}
_LAYOUT = struct.Struct("<8sII16s")
_VERSION = 1


class VectorFileError(Exception):
    """The file isn't what the database says it is; the text says why."""


class VectorFile:
    """Vectors of one index, identified by its uuid; of float32, or of int8 for those of tokens."""

    def __init__(self, path: Path, uuid: str, dimensions: int, kind: type[Any] = np.float32) -> None:
        self.path = path
        self.dimensions = dimensions
        self._kind = np.dtype(kind).newbyteorder("<")
        self._header = _header(uuid, dimensions, _MAGIC[self._kind.str])

    def map(self, count: int) -> Vectors:
        """The first `count` rows, read from the file as they are touched. Raises `VectorFileError`."""
        if not count:
            return np.empty((0, self.dimensions), self._kind)
        try:
            with self.path.open("rb") as file:
                if file.read(len(self._header)) != self._header:
                    raise VectorFileError("its header is another index's or damaged")
                if os.fstat(file.fileno()).st_size < self._place(count):
                    raise VectorFileError("it is shorter than it was")
                return _Mapped.of(file.fileno(), self._kind, (count, self.dimensions))
        except FileNotFoundError:
            raise VectorFileError("it is missing") from None

    def append(self, first: int, rows: Vectors) -> list[tuple[int, int, int]]:
        """Write rows from slot `first` on, synced to disk; returns blocks of (first, count, CRC-32)."""
        fresh = not self.path.exists()
        data = np.ascontiguousarray(rows, self._kind)
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
            sync(handle)
        finally:
            os.close(handle)
        if fresh:
            sync_folder(self.path.parent)
        return _blocks(first, data)

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

    def holds_just(self, count: int) -> bool:
        """Whether it has so many rows, and nothing of a crash behind them."""
        try:
            return self.path.stat().st_size == self._place(count)
        except FileNotFoundError:
            return not count

    def write(self, parts: Iterable[Vectors]) -> list[tuple[int, int, int]]:
        """Make the file anew of these rows, synced to disk; returns blocks as `append` does.

        Each part but the last has a multiple of `BLOCK_ROWS` rows.
        """
        blocks: list[tuple[int, int, int]] = []
        with self.path.open("wb") as file:
            file.write(self._header)
            first = 0
            for part in parts:
                data = np.ascontiguousarray(part, self._kind)
                file.write(data.data.cast("B"))
                blocks += _blocks(first, data)
                first += len(data)
            file.flush()
            sync(file.fileno())
        sync_folder(self.path.parent)
        return blocks

    def _place(self, slot: int) -> int:
        return HEADER + slot * self.dimensions * self._kind.itemsize


class _Mapped(np.memmap[Any, Any]):
    """A mapped file that rows can be read from as well; its views are without that."""

    handle: int | None = None

    @classmethod
    def of(cls, handle: int, kind: np.dtype[Any], shape: tuple[int, int]) -> _Mapped:
        """What lies behind the header of an open file."""
        own = os.dup(handle)
        with open(own, "rb", closefd=False) as file:
            mapped = cls(file, kind, "r", HEADER, shape)
        mapped.handle = own
        finalize(mapped, os.close, own)
        return mapped


def picked(matrix: Vectors, slots: Ints) -> Vectors:
    """Copies of some rows of a mapped matrix, which are read from its file where the system can.

    Where they are touched it maps as much as 2 MB around each, which counts as this process's memory.
    """
    handle = getattr(matrix, "handle", None)
    if handle is None or not hasattr(os, "preadv"):
        return np.array(matrix[slots])
    if len(slots) and not 0 <= slots.min() <= slots.max() < len(matrix):
        raise IndexError(f"there are {len(matrix)} rows, and others were asked for")
    rows = np.empty((len(slots), matrix.shape[1]), matrix.dtype)
    bytes_, size = rows.reshape(-1).view(np.uint8).data, rows.strides[0]
    for place, slot in enumerate(slots.tolist()):
        if os.preadv(handle, [bytes_[place * size : (place + 1) * size]], HEADER + slot * size) != size:
            raise OSError(errno.EIO, "the file of vectors is shorter than it was")
    return rows


def let_go(matrix: Vectors) -> None:
    """Give back the memory that reading a mapped matrix took, where the system can: it is in the file."""
    mapped = getattr(matrix, "_mmap", None)
    if mapped is not None and hasattr(mmap, "MADV_DONTNEED"):
        mapped.madvise(mmap.MADV_DONTNEED)


def _header(uuid: str, dimensions: int, magic: bytes) -> bytes:
    head = _LAYOUT.pack(magic, _VERSION, dimensions, UUID(uuid).bytes)
    head += struct.pack("<I", zlib.crc32(head))
    return head.ljust(HEADER, b"\0")


def _blocks(first: int, data: Vectors) -> list[tuple[int, int, int]]:
    starts = range(0, len(data), BLOCK_ROWS)
    return [(first + i, len(part := data[i : i + BLOCK_ROWS]), zlib.crc32(part.data)) for i in starts]


def _write_all(handle: int, data: bytes | memoryview) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(handle, rest) :]
