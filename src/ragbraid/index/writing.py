"""One upsert or delete as statements inside the writer's transaction."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from sqlite3 import Connection

import numpy as np

from ragbraid.errors import InputError
from ragbraid.index import reading
from ragbraid.index.checks import checksum
from ragbraid.index.prepare import Passage, Prepared
from ragbraid.index.protocol import Change
from ragbraid.index.rows import Ints
from ragbraid.index.vector_file import VectorFile
from ragbraid.types import Filter, Scope, Vectors

_IN = "IN (SELECT value FROM json_each(?))"


def upsert(
    connection: Connection,
    changes: Sequence[Change],
    prepared: Sequence[Sequence[Prepared]],
    scope: Scope,
    vectors: VectorFile | None,
) -> None:
    """Replace what the changes' origins hold. Raises `InputError` for names that others hold."""
    collection = _collection(connection, scope.collection)
    replaced = [name for change in changes for name in (change.origin, *change.replaces)]
    remove(connection, collection, replaced, scope.filter, refuse=True)
    documents = [each for group in prepared for each in group]
    _demand_free(connection, collection, documents)
    passages = [passage for each in documents for passage in each.passages]
    slots = _store_vectors(connection, documents, passages, vectors)
    numbers = _insert_documents(connection, collection, changes, prepared)
    owners = [number for number, each in zip(numbers, documents, strict=True) for _ in each.passages]
    rows = _insert_passages(connection, collection, owners, passages, slots)
    if scope.filter and len(reading.rows_in_scope(connection, collection, scope.filter, rows)) < len(rows):
        raise InputError("What was given lies outside the filter that this caller is held to.")


def remove(
    connection: Connection,
    collection: int,
    origins: Sequence[str],
    wanted: Filter | None,
    refuse: bool = False,
) -> int:
    """Remove origins with all that they hold, and log it; returns how many there were.

    Those with a chunk outside the filter are left alone, or refused with an `InputError`.
    """
    found = connection.execute(
        f"SELECT id FROM origins WHERE collection = ? AND origin {_IN}", (collection, json.dumps([*origins]))
    ).fetchall()
    numbers = {number for (number,) in found}
    if wanted and numbers:
        outside = _outside(connection, collection, numbers, wanted)
        if outside and refuse:
            raise InputError("What would be replaced lies outside the filter that this caller is held to.")
        numbers -= outside
    owners = json.dumps(sorted(numbers))
    held = connection.execute(f"SELECT id FROM documents WHERE origin {_IN}", (owners,)).fetchall()
    documents = json.dumps([document for (document,) in held])
    rows = f"SELECT row FROM chunks WHERE collection = ? AND document {_IN}"
    connection.execute(f"DELETE FROM passages WHERE row IN ({rows})", (collection, documents))
    connection.execute(f"DELETE FROM chunks WHERE collection = ? AND document {_IN}", (collection, documents))
    connection.execute(f"DELETE FROM documents WHERE id {_IN}", (documents,))
    connection.execute(f"DELETE FROM origins WHERE id {_IN}", (owners,))
    _log(connection, collection, "delete", [document for (document,) in held])
    return len(numbers)


def _outside(connection: Connection, collection: int, origins: Iterable[int], wanted: Filter) -> set[int]:
    """Those origins that hold a chunk, or nothing but documents, outside the filter."""
    owner_of_row = dict(
        connection.execute(
            "SELECT c.row, d.origin FROM documents AS d JOIN chunks AS c ON c.collection = d.collection "
            f"AND c.document = d.id WHERE d.origin {_IN}",
            (json.dumps([*origins]),),
        ).fetchall()
    )
    inside = set(reading.rows_in_scope(connection, collection, wanted, list(owner_of_row)))
    empty = set(origins) - set(owner_of_row.values())
    return empty | {owner for row, owner in owner_of_row.items() if row not in inside}


def forget_blocks(connection: Connection, firsts: Iterable[int]) -> None:
    """Mark the rows whose vectors lie in these damaged blocks as having none."""
    for first in firsts:
        (count,) = connection.execute("SELECT count FROM vector_blocks WHERE first = ?", (first,)).fetchone()
        ends = (first, first + count - 1)
        connection.execute("UPDATE chunks SET slot = NULL WHERE slot BETWEEN ? AND ?", ends)
        connection.execute("DELETE FROM vectors WHERE slot BETWEEN ? AND ?", ends)
        connection.execute("UPDATE vector_blocks SET crc = NULL WHERE first = ?", (first,))
    for (collection,) in connection.execute("SELECT id FROM collections").fetchall():
        _log(connection, collection, "reset", [0])


def _collection(connection: Connection, name: str) -> int:
    connection.execute("INSERT OR IGNORE INTO collections (name) VALUES (?)", (name,))
    return int(connection.execute("SELECT id FROM collections WHERE name = ?", (name,)).fetchone()[0])


def _demand_free(connection: Connection, collection: int, documents: Sequence[Prepared]) -> None:
    names = json.dumps([each.document.source for each in documents])
    taken = connection.execute(
        "SELECT d.source, o.origin FROM documents AS d JOIN origins AS o ON o.id = d.origin "
        f"WHERE d.collection = ? AND d.source {_IN} LIMIT 1",
        (collection, names),
    ).fetchone()
    if taken:
        raise InputError(
            f"The source {taken[0]!r} already belongs to the origin {taken[1]!r}.",
            "Give it another name, or delete that origin first.",
        )
    ids = json.dumps([passage.id for each in documents for passage in each.passages])
    taken = connection.execute(
        f"SELECT id FROM chunks WHERE collection = ? AND id {_IN} LIMIT 1", (collection, ids)
    ).fetchone()
    if taken:
        raise InputError(
            f"The chunk id {taken[0]!r} already belongs to another source.", "Ids are unique in a collection."
        )


def _insert_documents(
    connection: Connection, collection: int, changes: Sequence[Change], prepared: Sequence[Sequence[Prepared]]
) -> list[int]:
    numbers = []
    for change, group in zip(changes, prepared, strict=True):
        state = (change.origin, change.fingerprint, change.stamp, change.digest, change.metadata_hash)
        origin = connection.execute(
            "INSERT INTO origins (collection, origin, fingerprint, stamp, digest, metadata_hash) "
            "VALUES (?, ?, ?, ?, ?, ?)",
            (collection, *state),
        ).lastrowid
        for each in group:
            document = each.document
            pages, warnings = json.dumps(document.pages), json.dumps(document.warnings)
            place = (document.source, each.metadata, pages, warnings, document.body, document.media_type)
            content = (*place, each.content_hash)
            made = connection.execute(
                "INSERT INTO documents (collection, origin, plain, source, metadata, pages, warnings, body, "
                "media_type, content_hash, checksum, text) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (collection, origin, each.plain, *content, checksum(*content), each.packed),
            )
            numbers.append(int(made.lastrowid or 0))
    _log(connection, collection, "add", numbers)
    return numbers


def _insert_passages(
    connection: Connection,
    collection: int,
    documents: Sequence[int],
    passages: Sequence[Passage],
    slots: Sequence[int | None],
) -> list[int]:
    last = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'chunks'").fetchone()
    first = 1 + (last[0] if last else 0)
    rows = list(range(first, first + len(passages)))
    connection.executemany(
        "INSERT INTO chunks VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            (row, collection, document, p.id, p.start, p.end, p.page, slot, p.metadata, p.plain,
             checksum(p.id, p.start, p.end, p.page, p.metadata, p.text))
            for row, document, p, slot in zip(rows, documents, passages, slots, strict=True)
        ),
    )  # fmt: skip
    connection.executemany(
        "INSERT INTO passages VALUES (?, ?)", zip(rows, (p.text for p in passages), strict=True)
    )
    return rows


def _store_vectors(
    connection: Connection,
    documents: Sequence[Prepared],
    passages: Sequence[Passage],
    vectors: VectorFile | None,
) -> list[int | None]:
    """The slot of each passage's vector; those not stored yet are written and synced."""
    if vectors is None or not passages:
        return [None] * len(passages)
    given = np.concatenate([each.vectors for each in documents if each.vectors is not None and each.passages])
    hashes = [each.text_hash for each in passages]
    known = reading.known_slots(connection, hashes)
    slots = np.array([known.get(each, -1) for each in hashes], np.int64)
    old = np.flatnonzero(slots >= 0)
    if len(old):
        blocks = reading.sound_blocks(connection, last_only=True)
        stored = vectors.map(blocks[0][0] + blocks[0][1])[slots[old]]
        slots[old[(stored != given[old]).any(axis=1)]] = -1
    first = connection.execute("SELECT IFNULL(MAX(first + count), 0) FROM vector_blocks").fetchone()[0]
    chosen = _share(slots, hashes, given, first)
    if chosen:
        blocks = vectors.append(first, given[chosen])
        connection.executemany("INSERT INTO vector_blocks VALUES (?, ?, ?)", blocks)
        fresh = [(hashes[position], first + i) for i, position in enumerate(chosen)]
        connection.executemany("INSERT OR REPLACE INTO vectors VALUES (?, ?)", fresh)
    return [int(each) for each in slots]


def _share(slots: Ints, hashes: Sequence[bytes], given: Vectors, first: int) -> list[int]:
    """Fill in the slots of new vectors, equal texts with equal vectors sharing one; which rows to write."""
    chosen: list[int] = []
    pending: dict[bytes, int] = {}
    for position in np.flatnonzero(slots < 0).tolist():
        twin = pending.get(hashes[position])
        if twin is not None and np.array_equal(given[twin], given[position]):
            slots[position] = slots[twin]
            continue
        pending[hashes[position]] = position
        slots[position] = first + len(chosen)
        chosen.append(position)
    return chosen


def _log(connection: Connection, collection: int, operation: str, documents: Iterable[int]) -> None:
    connection.executemany(
        "INSERT INTO log (collection, operation, document) VALUES (?, ?, ?)",
        ((collection, operation, each) for each in documents),
    )
