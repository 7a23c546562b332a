"""One upsert or delete as statements inside the writer's transaction."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import astuple
from typing import Any

import numpy as np
from psycopg.types.json import Jsonb

from ragbraid.errors import InputError
from ragbraid.index.prepare import Prepared
from ragbraid.index.protocol import Change
from ragbraid.index.terms import searched
from ragbraid.text.context import in_context
from ragbraid.types import Filter, Scope
from ragbraid_pgvector import packing, reading
from ragbraid_pgvector.fields import fields
from ragbraid_pgvector.sessions import Session

_OUTSIDE = "What {} lies outside the filter that this caller is held to."
_DOCUMENTS = (
    "{s}.documents (id, collection, origin, source, metadata, fields, pages, warnings, body, media_type, "
    "reading, content_hash, packed)"
)
_DOCUMENT_TYPES = (
    "int8", "int4", "int8", "text", "text", "jsonb", "text", "text", "int8", "text", "text", "text", "bytea"
)  # fmt: skip
_CHUNKS = (
    "id, collection, document, source, name, first, last, page, line, text, context, metadata, fields, "
    "text_hash, length, terms"
)
_CHUNK_TYPES = (
    "int8", "int4", "int8", "text", "text", "int4", "int4", "int4", "int4", "text", "text", "text", "jsonb",
    "bytea", "int4", packing.TSVECTOR,
)  # fmt: skip


def upsert(
    session: Session, changes: Sequence[Change], prepared: Sequence[Sequence[Prepared]], scope: Scope
) -> int:
    """Replace what the changes' origins hold; returns how many chunks came in.

    Raises `InputError` for names that others hold, and for what the scope's filter doesn't let in.
    """
    collection = _collection(session, scope.collection)
    whole = [each.origin for each in changes if not each.partial]
    replaced = [*whole, *(name for each in changes for name in each.replaces)]
    remove(session, collection, replaced, scope.filter, refuse=True)
    for change in changes:
        if change.partial:
            _remove_part(session, collection, change, scope.filter)
    documents = [each for group in prepared for each in group]
    _demand_free(session, collection, documents)
    owners = _insert_origins(session, collection, changes)
    given = [(owner, one) for owner, group in zip(owners, prepared, strict=True) for one in group]
    numbers = _insert_documents(session, collection, given)
    rows = _insert_chunks(session, collection, numbers, documents)
    if scope.filter and len(reading.ids_in_scope(session, collection, scope.filter, rows)) < len(rows):
        raise InputError(_OUTSIDE.format("was given"))
    return len(rows)


def remove(
    session: Session,
    collection: int,
    origins: Sequence[str],
    wanted: Filter | None,
    refuse: bool = False,
) -> int:
    """Remove origins with all that they hold; returns how many there were.

    Those with a chunk outside the filter are left alone, or refused with an `InputError`.
    """
    found = session.rows(
        "SELECT id FROM {s}.origins WHERE collection = %s AND origin = ANY (%s)", (collection, [*origins])
    )
    numbers = {number for (number,) in found}
    if wanted and numbers:
        outside = _outside(session, collection, numbers, wanted)
        if outside and refuse:
            raise InputError(_OUTSIDE.format("would be replaced"))
        numbers -= outside
    held = session.rows("SELECT id FROM {s}.documents WHERE origin = ANY (%s)", ([*numbers],))
    _erase(session, collection, [document for (document,) in held])
    session.run("DELETE FROM {s}.origins WHERE id = ANY (%s)", ([*numbers],))
    return len(numbers)


def _remove_part(session: Session, collection: int, change: Change, wanted: Filter | None) -> None:
    """Remove the documents that a partial change renews or drops."""
    found = session.row(
        "SELECT id FROM {s}.origins WHERE collection = %s AND origin = %s", (collection, change.origin)
    )
    if found is None:
        return
    if wanted and _outside(session, collection, found, wanted):
        raise InputError(_OUTSIDE.format("would be replaced"))
    names = [*(each.document.source for each in change.entries), *change.drops]
    held = session.rows(
        "SELECT id FROM {s}.documents WHERE collection = %s AND origin = %s AND source = ANY (%s)",
        (collection, *found, names),
    )
    _erase(session, collection, [document for (document,) in held])


def _erase(session: Session, collection: int, documents: Sequence[int]) -> None:
    """Remove documents; their chunks' vectors stay known by what was embedded."""
    if not documents:
        return
    owned = ([*documents],)
    if session.vector_type and reading.has_vectors(session):
        session.run(
            "INSERT INTO {s}.spare SELECT text_hash, embedding FROM {s}.chunks "
            "WHERE document = ANY (%s) AND embedding IS NOT NULL ON CONFLICT DO NOTHING",
            owned,
        )
    session.run(
        "WITH gone AS (DELETE FROM {s}.chunks WHERE document = ANY (%s) RETURNING length) "
        "UPDATE {s}.collections SET chunks = chunks - (SELECT count(*) FROM gone), "
        "terms = terms - (SELECT COALESCE(sum(length), 0) FROM gone) WHERE id = %s",
        (*owned, collection),
    )
    session.run("DELETE FROM {s}.documents WHERE id = ANY (%s)", owned)


def _outside(session: Session, collection: int, origins: Iterable[int], wanted: Filter) -> set[int]:
    """Those origins that hold a chunk, or nothing but documents, outside the filter."""
    owner_of_chunk = dict(
        session.rows(
            "SELECT c.id, d.origin FROM {s}.documents AS d JOIN {s}.chunks AS c ON c.document = d.id "
            "WHERE d.origin = ANY (%s)",
            ([*origins],),
        )
    )
    inside = reading.ids_in_scope(session, collection, wanted, [*owner_of_chunk])
    empty = set(origins) - set(owner_of_chunk.values())
    return empty | {owner for chunk, owner in owner_of_chunk.items() if chunk not in inside}


def _collection(session: Session, name: str) -> int:
    session.run("INSERT INTO {s}.collections (name) VALUES (%s) ON CONFLICT DO NOTHING", (name,))
    row = session.row("SELECT id FROM {s}.collections WHERE name = %s", (name,))
    assert row is not None
    return int(row[0])


def _demand_free(session: Session, collection: int, documents: Sequence[Prepared]) -> None:
    taken = session.row(
        "SELECT d.source, o.origin FROM {s}.documents AS d JOIN {s}.origins AS o ON o.id = d.origin "
        "WHERE d.collection = %s AND d.source = ANY (%s) LIMIT 1",
        (collection, [each.document.source for each in documents]),
    )
    if taken:
        raise InputError(
            f"The source {taken[0]!r} already belongs to the origin {taken[1]!r}.",
            "Give it another name, or delete that origin first.",
        )
    taken = session.row(
        "SELECT name FROM {s}.chunks WHERE collection = %s AND name = ANY (%s) LIMIT 1",
        (collection, [passage.id for each in documents for passage in each.passages]),
    )
    if taken:
        raise InputError(
            f"The chunk id {taken[0]!r} already belongs to another source.", "Ids are unique in a collection."
        )


def _insert_origins(session: Session, collection: int, changes: Sequence[Change]) -> list[int]:
    """The number of each change's origin."""
    numbers = []
    for each in changes:
        row = session.row(
            "INSERT INTO {s}.origins "
            "(collection, origin, fingerprint, stamp, digest, metadata_hash, size, stored_at) "
            "VALUES (%s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT (collection, origin) DO UPDATE SET "
            "fingerprint = excluded.fingerprint, stamp = excluded.stamp, digest = excluded.digest, "
            "metadata_hash = excluded.metadata_hash, size = excluded.size, stored_at = excluded.stored_at "
            "RETURNING id",
            (collection, each.origin, each.fingerprint, each.stamp, each.digest, each.metadata_hash,
             each.size, int(time.time())),
        )  # fmt: skip
        assert row is not None
        numbers.append(int(row[0]))
    return numbers


def _insert_documents(session: Session, collection: int, given: Sequence[tuple[int, Prepared]]) -> list[int]:
    numbers = _numbers(session, "documents", len(given))
    session.copy(
        _DOCUMENTS,
        _DOCUMENT_TYPES,
        (
            (number, collection, origin, each.document.source, each.metadata, _jsonb(each.metadata),
             json.dumps(each.document.pages), json.dumps(each.document.warnings), each.document.body,
             each.document.media_type, json.dumps(astuple(each.document.reading)), each.content_hash,
             each.packed)
            for number, (origin, each) in zip(numbers, given, strict=True)
        ),
    )  # fmt: skip
    return numbers


def _insert_chunks(
    session: Session, collection: int, numbers: Sequence[int], documents: Sequence[Prepared]
) -> list[int]:
    """The numbers of the chunks."""
    rows = _numbers(session, "chunks", sum(len(each.passages) for each in documents))
    dense = any(each.vectors is not None and each.passages for each in documents)
    columns = f"{_CHUNKS}, embedding" if dense else _CHUNKS
    types = (*_CHUNK_TYPES, session.vector_type) if dense else _CHUNK_TYPES
    languages: set[str] = set()
    length = 0

    def made() -> Iterator[Sequence[Any]]:
        nonlocal length
        each_row = iter(rows)
        for number, each in zip(numbers, documents, strict=True):
            own = _jsonb(each.metadata)
            for at, passage in enumerate(each.passages):
                known = searched(in_context(passage.context, passage.text), passage.metadata)
                languages.update(known.languages)
                length += known.length
                source = each.document.source
                yield (
                    next(each_row), collection, number, source, passage.id, passage.start, passage.end,
                    passage.page, passage.line, None if "\0" in passage.text else passage.text,
                    passage.context.replace("\0", "\ufffd"), passage.metadata,
                    own if passage.metadata is each.metadata else _jsonb(passage.metadata),
                    passage.text_hash, known.length, packing.tsvector(known.positions, repr(source)),
                    *((packing.vector(np.asarray(each.vectors)[at]),) if dense else ()),
                )  # fmt: skip

    session.copy(f"{{s}}.chunks ({columns})", types, made())
    session.run(
        "UPDATE {s}.collections SET chunks = chunks + %s, terms = terms + %s WHERE id = %s",
        (len(rows), length, collection),
    )
    session.run(
        "INSERT INTO {s}.languages SELECT %s, unnest(%s::text[]) ON CONFLICT DO NOTHING",
        (collection, sorted(languages)),
    )
    return rows


def _numbers(session: Session, table: str, count: int) -> list[int]:
    """Numbers that no row of a table ever had."""
    query = f"SELECT nextval(pg_get_serial_sequence('{{s}}.{table}', 'id')) FROM generate_series(1, %s)"
    return [number for (number,) in session.rows(query, (count,))]


def _jsonb(metadata: str) -> Jsonb | None:
    text = fields(metadata)
    return None if text is None else Jsonb(text, dumps=str)
