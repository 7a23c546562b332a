"""One upsert or delete as statements inside the writer's transaction."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Sequence
from sqlite3 import Connection
from typing import Any

import numpy as np

from ragbraid.errors import InputError
from ragbraid.index import reading, schema, vector_sets
from ragbraid.index.checks import checksum
from ragbraid.index.prepare import Passage, Prepared
from ragbraid.index.protocol import Change
from ragbraid.index.rows import Ints
from ragbraid.index.vector_file import VectorFile, picked
from ragbraid.index.vector_sets import VectorSet
from ragbraid.types import Filter, Reading, Scope, Vectors

_IN = "IN (SELECT value FROM json_each(?))"


def upsert(
    connection: Connection,
    changes: Sequence[Change],
    prepared: Sequence[Sequence[Prepared]],
    scope: Scope,
    vectors: tuple[VectorSet, VectorFile] | None,
) -> list[int]:
    """Replace what the changes' origins hold; the rows of their passages, in order.

    Raises `InputError` for names that others hold.
    """
    collection = _collection(connection, scope.collection)
    whole = [each.origin for each in changes if not each.partial]
    replaced = [*whole, *(name for each in changes for name in each.replaces)]
    remove(connection, collection, replaced, scope.filter, refuse=True)
    for change in changes:
        if change.partial:
            _remove_part(connection, collection, change, scope.filter)
    documents = [each for group in prepared for each in group]
    _demand_free(connection, collection, documents)
    passages = [passage for each in documents for passage in each.passages]
    slots = _store_vectors(connection, documents, passages, vectors)
    numbers = _insert_documents(connection, collection, changes, prepared)
    owners = [number for number, each in zip(numbers, documents, strict=True) for _ in each.passages]
    rows = _insert_passages(connection, collection, owners, passages, slots)
    if scope.filter and len(reading.rows_in_scope(connection, collection, scope.filter, rows)) < len(rows):
        raise InputError("What was given lies outside the filter that this caller is held to.")
    return rows


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
    _erase(connection, collection, [document for (document,) in held])
    connection.execute(f"DELETE FROM origins WHERE id {_IN}", (owners,))
    return len(numbers)


def _remove_part(connection: Connection, collection: int, change: Change, wanted: Filter | None) -> None:
    """Remove the documents that a partial change renews or drops."""
    found = connection.execute(
        "SELECT id FROM origins WHERE collection = ? AND origin = ?", (collection, change.origin)
    ).fetchone()
    if found is None:
        return
    if wanted and _outside(connection, collection, found, wanted):
        raise InputError("What would be replaced lies outside the filter that this caller is held to.")
    names = json.dumps([*(each.document.source for each in change.entries), *change.drops])
    held = connection.execute(
        f"SELECT id FROM documents WHERE collection = ? AND origin = ? AND source {_IN}",
        (collection, *found, names),
    ).fetchall()
    _erase(connection, collection, [document for (document,) in held])


def _erase(connection: Connection, collection: int, numbers: Sequence[int]) -> None:
    documents = json.dumps(numbers)
    rows = f"SELECT row FROM chunks WHERE collection = ? AND document {_IN}"
    for table in schema.tables_of_chunks(connection):
        connection.execute(f"DELETE FROM {table} WHERE row IN ({rows})", (collection, documents))
    if schema.has_readings(connection):
        connection.execute(f"DELETE FROM readings WHERE document {_IN}", (documents,))
    connection.execute(f"DELETE FROM chunks WHERE collection = ? AND document {_IN}", (collection, documents))
    connection.execute(f"DELETE FROM documents WHERE id {_IN}", (documents,))
    _log(connection, collection, "delete", numbers)


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


def forget_blocks(connection: Connection, vector_set: int, firsts: Iterable[int]) -> None:
    """Mark the rows whose vectors lie in these damaged blocks of a set as having none."""
    for first in firsts:
        place = (vector_set, first)
        (count,) = connection.execute(
            "SELECT count FROM vector_blocks WHERE vector_set = ? AND first = ?", place
        ).fetchone()
        ends = (first, first + count - 1)
        connection.execute("UPDATE chunks SET slot = NULL WHERE slot BETWEEN ? AND ?", ends)
        connection.execute("DELETE FROM vectors WHERE slot BETWEEN ? AND ?", ends)
        connection.execute("UPDATE vector_blocks SET crc = NULL WHERE vector_set = ? AND first = ?", place)
    reset(connection)


def drop(connection: Connection, collection: int) -> None:
    """Take a collection out in constant time: nobody finds its rows any more, and `sweep` deletes them."""
    connection.execute("INSERT INTO dropped VALUES (?)", (collection,))
    connection.execute("DELETE FROM collections WHERE id = ?", (collection,))


def sweep(connection: Connection) -> None:
    """Delete the rows of the collections that were dropped."""
    gone = "(SELECT collection FROM dropped)"
    rows = f"(SELECT row FROM chunks WHERE collection IN {gone})"
    for table in schema.tables_of_chunks(connection):
        connection.execute(f"DELETE FROM {table} WHERE row IN {rows}")
    if schema.has_readings(connection):
        documents = f"(SELECT id FROM documents WHERE collection IN {gone})"
        connection.execute(f"DELETE FROM readings WHERE document IN {documents}")
    for table in ("chunks", "documents", "origins", "log"):
        connection.execute(f"DELETE FROM {table} WHERE collection IN {gone}")
    connection.execute("DELETE FROM dropped")


def reset(connection: Connection) -> None:
    """Log that slots were changed otherwise than by adding and deleting documents."""
    for (collection,) in connection.execute("SELECT id FROM collections").fetchall():
        _log(connection, collection, "reset", [0])


def prune(connection: Connection) -> None:
    """Forget the log but for each collection's newest entry: who knows an older state reads all anew."""
    connection.execute("DELETE FROM log WHERE seq NOT IN (SELECT MAX(seq) FROM log GROUP BY collection)")


def outdate(connection: Connection, documents: Sequence[int]) -> None:
    """Let the next ingest read the origins of these documents again, whatever their files look like."""
    connection.execute(
        "UPDATE origins SET digest = '', stamp = '', fingerprint = '' WHERE id IN "
        f"(SELECT origin FROM documents WHERE id {_IN})",
        (json.dumps([*documents]),),
    )


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
    stored_at = int(time.time())
    connection.executemany(
        "INSERT INTO origins "
        "(collection, origin, fingerprint, stamp, digest, metadata_hash, size, stored_at) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (collection, origin) DO UPDATE SET "
        "fingerprint = excluded.fingerprint, stamp = excluded.stamp, digest = excluded.digest, "
        "metadata_hash = excluded.metadata_hash, size = excluded.size, stored_at = excluded.stored_at",
        (
            (collection, each.origin, each.fingerprint, each.stamp, each.digest, each.metadata_hash,
             each.size, stored_at)
            for each in changes
        ),
    )  # fmt: skip
    owners: dict[str, int] = dict(
        connection.execute(
            f"SELECT origin, id FROM origins WHERE collection = ? AND origin {_IN}",
            (collection, json.dumps([each.origin for each in changes])),
        ).fetchall()
    )
    given = [
        (owners[each.origin], one) for each, group in zip(changes, prepared, strict=True) for one in group
    ]
    numbers = _unused(connection, "documents", len(given))
    connection.executemany(
        "INSERT INTO documents (id, collection, origin, source, metadata, plain, pages, warnings, body, "
        "media_type, content_hash, checksum, text) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            (number, collection, origin, *_document(each))
            for number, (origin, each) in zip(numbers, given, strict=True)
        ),
    )
    _insert_readings(connection, numbers, [each.document.reading for _, each in given])
    _log(connection, collection, "add", numbers)
    return numbers


def _document(given: Prepared) -> tuple[Any, ...]:
    """The columns of `documents` from `source` on."""
    document, packed = given.document, given.packed
    pages, warnings = json.dumps(document.pages), json.dumps(document.warnings)
    content = (document.body, document.media_type, given.content_hash)
    sum_ = checksum(document.source, given.metadata, pages, warnings, *content)
    return (document.source, given.metadata, given.plain, pages, warnings, *content, sum_, packed)


def _insert_readings(connection: Connection, documents: Sequence[int], readings: Sequence[Reading]) -> None:
    told = [
        (document, each.reader, each.encoding, int(each.verbatim))
        for document, each in zip(documents, readings, strict=True)
        if each != Reading()
    ]
    if told:
        schema.add_readings(connection)
        rows = ((*each, checksum(*each[1:])) for each in told)
        connection.executemany("INSERT INTO readings VALUES (?, ?, ?, ?, ?)", rows)


def _unused(connection: Connection, table: str, count: int) -> list[int]:
    """Numbers that no row of a table ever had."""
    last = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = ?", (table,)).fetchone()
    first = 1 + (last[0] if last else 0)
    return list(range(first, first + count))


def _insert_passages(
    connection: Connection,
    collection: int,
    documents: Sequence[int],
    passages: Sequence[Passage],
    slots: Sequence[int | None],
) -> list[int]:
    rows = _unused(connection, "chunks", len(passages))
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
    contexts = [
        (row, p.context, checksum(p.context)) for row, p in zip(rows, passages, strict=True) if p.context
    ]
    if contexts:
        schema.add_contexts(connection)
        connection.executemany("INSERT INTO contexts VALUES (?, ?, ?)", contexts)
    lines = [
        (row, p.line, checksum(row, p.line))
        for row, p in zip(rows, passages, strict=True)
        if p.line is not None
    ]
    if lines:
        schema.add_lines(connection)
        connection.executemany("INSERT INTO lines VALUES (?, ?, ?)", lines)
    return rows


def _store_vectors(
    connection: Connection,
    documents: Sequence[Prepared],
    passages: Sequence[Passage],
    vectors: tuple[VectorSet, VectorFile] | None,
) -> list[int | None]:
    """The slot of each passage's vector; those not stored yet are written and synced."""
    if vectors is None or not passages:
        return [None] * len(passages)
    held, file = vectors
    given = np.concatenate([each.vectors for each in documents if each.vectors is not None and each.passages])
    hashes = [each.text_hash for each in passages]
    known = reading.known_slots(connection, hashes)
    slots = np.array([known.get(each, -1) for each in hashes], np.int64)
    old = np.flatnonzero(slots >= 0)
    if len(old):
        blocks = vector_sets.sound_blocks(connection, held.number, last_only=True)
        stored = picked(file.map(blocks[0][0] + blocks[0][1]), slots[old])
        slots[old[(stored != given[old]).any(axis=1)]] = -1
    first = vector_sets.end(connection, held.number)
    chosen = _share(slots, hashes, given, first)
    if chosen:
        vector_sets.add_blocks(connection, held.number, file.append(first, given[chosen]))
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
