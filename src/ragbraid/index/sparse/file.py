"""A collection's postings in a file of their own, so that a large index opens without reading its vectors.

A header of 4,096 bytes, then six arrays, little-endian, one after the other: rows, terms and starts (int64),
the sum of each term's places and weights (uint32), places (int32), weights (float32). Opening maps them and
compares the sum of the first four; a term's places and weights are compared when they are first read. A file
that is damaged, foreign, or of an index that has gone back to an earlier state counts as missing. A new one
is written beside the old, and takes its place when it is on disk.
"""

from __future__ import annotations

import os
import struct
import zlib
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

import numpy as np
import numpy.typing as npt

from ragbraid.index.sparse.postings import Floats, Postings

if TYPE_CHECKING:
    from ragbraid.embed.protocol import SparseVector

FOLDER = "sparse"
_HEADER = 4096
_MAGIC = b"RaBrSpa\0"
_VERSION = 1
_LAYOUT = struct.Struct("<8sI16sQIQQQI")
_SUM = struct.Struct("<I")


class TornError(Exception):
    """A term's places and weights aren't what was written."""


@dataclass(frozen=True, slots=True)
class Stand:
    """The state that a file is of: a sequence number of the log, and the sum of its last row's vector."""

    seq: int
    last: int


@dataclass(frozen=True, slots=True, eq=False)
class Mapped(Postings):
    """Postings in a file, each term of which is compared with its sum when it is first read."""

    sums: npt.NDArray[np.uint32]
    seen: set[int]

    def scores(self, query: SparseVector) -> Floats:
        """As `Postings.scores`. Raises `TornError` where what it needs is damaged."""
        for term in query.terms.tolist():
            if term not in self.seen:
                self._demand_sound(term)
                self.seen.add(term)
        return super(Mapped, self).scores(query)

    def demand_sound(self) -> None:
        """Raise `TornError` where any term is damaged."""
        for term in self.terms.tolist():
            self._demand_sound(term)

    def _demand_sound(self, term: int) -> None:
        low, high = self.span(term)
        if low < high and _term_sum(self, low, high) != self.sums[np.searchsorted(self.terms, term)]:
            raise TornError


class PostingsFile:
    """The postings of one collection of the index with this uuid."""

    def __init__(self, folder: Path, collection: int, uuid: str) -> None:
        self.path = folder / FOLDER / str(collection)
        self._uuid = UUID(uuid).bytes

    def read(self) -> tuple[Stand, Mapped] | None:
        """What was written; None where there is no such file, or it isn't as it was written."""
        try:
            with self.path.open("rb") as file:
                header = file.read(_HEADER)
                magic, version, owner, seq, last, rows, terms, count, crc = _LAYOUT.unpack_from(header)
                (own,) = _SUM.unpack_from(header, _LAYOUT.size)
                sizes = _sizes(rows, terms, count)
                if (
                    (magic, version, owner) != (_MAGIC, _VERSION, self._uuid)
                    or own != zlib.crc32(header[: _LAYOUT.size])
                    or os.fstat(file.fileno()).st_size != _HEADER + sum(size for _, size, _ in sizes)
                ):
                    return None
                at, arrays = _HEADER, []
                for number, size, kind in sizes:
                    mapped = np.memmap(file, kind, "r", at, (number,)) if number else np.empty(0, kind)
                    arrays.append(np.asarray(mapped))
                    at += size
        except (OSError, ValueError, struct.error):
            return None
        if _sum_of(arrays[:4]) != crc:
            return None
        held: tuple[Any, ...] = (*arrays[:3], *arrays[4:], arrays[3], set())
        return Stand(seq, last), Mapped(*held)

    def is_damaged(self) -> bool:
        """Whether there is a file that isn't as it was written."""
        if not self.path.exists():
            return False
        found = self.read()
        if found is None:
            return True
        try:
            found[1].demand_sound()
        except TornError:
            return True
        return False

    def write(self, stand: Stand, held: Postings) -> None:
        """Store the postings, on disk when this returns."""
        spans = zip(held.starts[:-1].tolist(), held.starts[1:].tolist(), strict=True)
        sums = np.array([_term_sum(held, low, high) for low, high in spans], "<u4")
        first = [
            np.ascontiguousarray(each, kind)
            for each, kind in zip((held.rows, held.terms, held.starts), ("<i8",) * 3, strict=True)
        ]
        arrays = [*first, sums, np.ascontiguousarray(held.places, "<i4")]
        arrays.append(np.ascontiguousarray(held.weights, "<f4"))
        counts = (len(held.rows), len(held.terms), len(held.places))
        head = _LAYOUT.pack(_MAGIC, _VERSION, self._uuid, stand.seq, stand.last, *counts, _sum_of(arrays[:4]))
        self.path.parent.mkdir(exist_ok=True)
        partial = self.path.with_name(f"{self.path.name}.partial")
        with partial.open("wb") as file:
            file.write((head + _SUM.pack(zlib.crc32(head))).ljust(_HEADER, b"\0"))
            for each in arrays:
                file.write(each.data)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(self.path)

    def remove(self) -> None:
        """Take the file away; on Windows one that is mapped stays for now."""
        with suppress(OSError):
            self.path.unlink()


def _sizes(rows: int, terms: int, count: int) -> list[tuple[int, int, str]]:
    """Of each array its length, its bytes and the kind of its numbers."""
    lengths = (rows, terms, terms + 1, terms, count, count)
    kinds = ("<i8", "<i8", "<i8", "<u4", "<i4", "<f4")
    return [(each, each * int(kind[2]), kind) for each, kind in zip(lengths, kinds, strict=True)]


def _sum_of(arrays: list[Any]) -> int:
    crc = 0
    for each in arrays:
        crc = zlib.crc32(np.ascontiguousarray(each).data, crc)
    return crc


def _term_sum(held: Postings, low: int, high: int) -> int:
    places = np.ascontiguousarray(held.places[low:high]).data
    return zlib.crc32(np.ascontiguousarray(held.weights[low:high]).data, zlib.crc32(places))
