"""The sparse vectors of an index, in its database: a row for each chunk that has one, never changed."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from sqlite3 import Connection
from typing import TypeAlias

from ragbraid.embed.protocol import SparseVector
from ragbraid.errors import InputError
from ragbraid.index import schema
from ragbraid.index.checks import checksum

Packed: TypeAlias = bytes
"""The terms of a vector as little-endian int32, then their weights as float32."""

_IDENTITY = "sparse"
_IN = "IN (SELECT value FROM json_each(?))"
_AT_ONCE = 5000


def packed(vector: SparseVector, owner: str) -> Packed:
    """A vector as it is stored. Raises `InputError` for one that isn't as `SparseVector` says."""
    import numpy as np

    terms, weights = np.asarray(vector.terms, "<i4"), np.asarray(vector.weights, "<f4")
    ascending = bool((np.diff(terms) > 0).all()) and (not len(terms) or terms[0] >= 0)
    if terms.shape != weights.shape or not ascending or not np.isfinite(weights).all():
        raise InputError(
            f"The sparse vector of {owner} has terms out of order, or weights that aren't numbers.",
            "Check the embedder.",
        )
    return terms.tobytes() + weights.tobytes()


def unpacked(stored: Packed) -> SparseVector:
    """What `packed` was given."""
    import numpy as np

    half = len(stored) // 2
    return SparseVector(np.frombuffer(stored[:half], "<i4"), np.frombuffer(stored[half:], "<f4"))


def identity(connection: Connection) -> str | None:
    """Whose vectors they are; None where there never were any."""
    found = connection.execute("SELECT value FROM meta WHERE key = ?", (_IDENTITY,)).fetchone()
    return None if found is None else str(found[0])


def known(connection: Connection, hashes: Sequence[bytes]) -> dict[bytes, Packed]:
    """By the hash of what was embedded, the vectors that some chunk has."""
    found: dict[bytes, Packed] = {}
    if not schema.has_sparse(connection):
        return found
    for low in range(0, len(hashes), _AT_ONCE):
        some = hashes[low : low + _AT_ONCE]
        rows = connection.execute(
            "SELECT row, text_hash, vector, checksum FROM sparse "
            f"WHERE text_hash IN ({','.join('?' * len(some))})",
            some,
        )
        found.update((of, vector) for row, of, vector, sum_ in rows if sum_ == _sum(row, of, vector))
    return found


def add(connection: Connection, of: str, rows: Mapping[int, bytes], vectors: Mapping[bytes, Packed]) -> None:
    """Store the vectors of chunks, in the caller's transaction, by the hashes of what was embedded."""
    schema.add_sparse(connection)
    connection.execute("INSERT OR IGNORE INTO meta VALUES (?, ?)", (_IDENTITY, of))
    connection.executemany(
        "INSERT INTO sparse VALUES (?, ?, ?, ?)",
        (
            (row, each, vectors[each], _sum(row, each, vectors[each]))
            for row, each in rows.items()
            if each in vectors
        ),
    )


def after(connection: Connection, collection: int, row: int) -> Iterator[tuple[int, Packed]]:
    """The vectors of a collection's chunks behind a row, in order, without those that are damaged."""
    if not schema.has_sparse(connection):
        return
    found = connection.execute(
        "SELECT s.row, s.text_hash, s.vector, s.checksum FROM sparse AS s JOIN chunks AS c ON c.row = s.row "
        "WHERE s.row > ? AND c.collection = ? ORDER BY s.row",
        (row, collection),
    )
    for each, of, vector, sum_ in found:
        if sum_ == _sum(each, of, vector):
            yield each, vector


def sum_of(connection: Connection, row: int) -> int | None:
    """The checksum of a chunk's vector; None where it has none."""
    if not schema.has_sparse(connection):
        return None
    found = connection.execute("SELECT checksum FROM sparse WHERE row = ?", (row,)).fetchone()
    return None if found is None else int(found[0])


def bad_rows(connection: Connection) -> list[int]:
    """The chunks whose vectors aren't what was stored."""
    if not schema.has_sparse(connection):
        return []
    found = connection.execute("SELECT row, text_hash, vector, checksum FROM sparse ORDER BY row")
    return [row for row, of, vector, stored in found if stored != _sum(row, of, vector)]


def forget(connection: Connection, rows: Iterable[int]) -> None:
    """Let these chunks have no vectors: the next ingest makes them anew."""
    if schema.has_sparse(connection):
        connection.execute(f"DELETE FROM sparse WHERE row {_IN}", (json.dumps([*rows]),))


def _sum(row: int, of: bytes, vector: Packed) -> int:
    return checksum(row, of.hex(), vector.hex())
