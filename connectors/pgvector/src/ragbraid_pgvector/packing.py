"""Values that psycopg has no binary form for, as PostgreSQL sends and receives them."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from psycopg import Connection
from psycopg.adapt import Dumper
from psycopg.pq import Format
from psycopg.types import TypeInfo

from ragbraid.errors import InputError
from ragbraid.types import Vectors

TSVECTOR = 3614
_MOST_BYTES = (1 << 20) - 1
_LAST, _MOST = 16_383, 255
"""The last position, and the most of a word, that a tsvector can hold."""


@dataclass(frozen=True, slots=True)
class Packed:
    """A value in its type's binary form."""

    data: bytes


class _PackedDumper(Dumper):
    format = Format.BINARY

    def dump(self, obj: Any) -> bytes:
        return bytes(obj.data)


class _WordsDumper(_PackedDumper):
    oid = TSVECTOR


def register(connection: Connection[Any]) -> int:
    """Let a connection write these values; returns the number of the type `vector`."""
    info = TypeInfo.fetch(connection, "vector")
    oid = 0 if info is None else info.oid
    connection.adapters.register_dumper(None, _WordsDumper)
    if oid:
        connection.adapters.register_dumper(Packed, type("_VectorDumper", (_PackedDumper,), {"oid": oid}))
    return oid


def vector(row: Any) -> Packed:
    """A vector as pgvector's `vector_recv` reads it: length, a zero, big-endian float32."""
    return Packed(struct.pack(">HH", len(row), 0) + row.astype(">f4").tobytes())


def vectors(sent: Sequence[bytes], dimensions: int) -> Vectors:
    """What `vector_send` gave, as rows of float32."""
    rows = np.frombuffer(b"".join(each[4:] for each in sent), ">f4").reshape(len(sent), dimensions)
    return np.ascontiguousarray(rows, np.float32)


def tsvector(positions: Mapping[str, Sequence[int]], owner: str) -> Packed:
    """Terms with their positions, counted from 1. Raises `InputError` where they are too many."""
    parts, size = [struct.pack(">i", len(positions))], 0
    for term, places in positions.items():
        name = term.encode()
        kept = [each for each in places[:_MOST] if each <= _LAST]
        parts.append(name + b"\0" + struct.pack(f">H{len(kept)}H", len(kept), *kept))
        size += len(parts[-1]) + 4
    if size > _MOST_BYTES:
        raise InputError(
            f"A chunk of {owner} has more different words than PostgreSQL's text search takes (1 MB).",
            "Split documents into smaller chunks.",
        )
    return Packed(b"".join(parts))
