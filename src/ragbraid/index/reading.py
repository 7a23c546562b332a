"""Questions to the database: everything that is read under a scope, as SQL."""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from sqlite3 import Connection
from typing import Any

from ragbraid.errors import IndexDamaged
from ragbraid.index import schema
from ragbraid.index.checks import checksum
from ragbraid.index.filter_sql import Where, compile_filter
from ragbraid.index.metadata import decode
from ragbraid.index.protocol import SourceState
from ragbraid.text.context import in_context
from ragbraid.text.pages import breaks
from ragbraid.types import Document, Filter, Hit, Reading, Scope

_HIT = """
SELECT c.row, c.id, d.source, c.start, c."end", p.text, c.metadata, c.page, d.content_hash, c.checksum,
{line}, CASE WHEN c.page IS NOT NULL THEN d.pages END
FROM chunks AS c JOIN documents AS d ON d.id = c.document JOIN passages AS p ON p.row = c.row {lines}
"""


def meta(connection: Connection) -> dict[str, str]:
    """Everything that is said of the index as a whole."""
    return dict(connection.execute("SELECT key, value FROM meta"))


def collection_id(connection: Connection, name: str) -> int | None:
    """The number of a collection; None where nothing was ever written to it."""
    found = connection.execute("SELECT id FROM collections WHERE name = ?", (name,)).fetchone()
    return None if found is None else int(found[0])


def collections(connection: Connection) -> list[tuple[str, int]]:
    """Name and number of every collection, ordered by name."""
    return connection.execute("SELECT name, id FROM collections ORDER BY name").fetchall()


def chunk_filter(wanted: Filter | None) -> Where:
    """A scope's filter as a condition on `chunks AS c`; other tables are read where it names the source."""
    source = "(SELECT source FROM documents WHERE id = c.document)"
    return compile_filter(wanted, "c.metadata", "c.plain", source) if wanted else Where("1", ())


def rows_in_scope(
    connection: Connection, collection: int, wanted: Filter, among: Sequence[int] | None = None
) -> list[int]:
    """The rows that a filter selects, of all or of those named."""
    where = chunk_filter(wanted)
    named = "" if among is None else "AND c.row IN (SELECT value FROM json_each(?))"
    found = connection.execute(
        f"SELECT c.row FROM chunks AS c WHERE c.collection = ? {named} AND {where.sql} ORDER BY c.row",
        (collection, *([] if among is None else [json.dumps(among)]), *where.parameters),
    )
    return [row for (row,) in found]


def count(connection: Connection, collection: int, wanted: Filter | None) -> int:
    """How many chunks are in scope."""
    if not wanted:
        query = "SELECT COUNT(*) FROM chunks WHERE collection = ?"
        return int(connection.execute(query, (collection,)).fetchone()[0])
    from ragbraid.index.selection import selected

    return len(selected(connection, collection, wanted))


def hits(connection: Connection, folder: Path, collection: str, rows: Iterable[int]) -> dict[int, Hit]:
    """The chunks in these rows. Raises `IndexDamaged` where one isn't what was stored."""
    found = connection.execute(
        _hit_query(connection) + "WHERE c.row IN (SELECT value FROM json_each(?))", (json.dumps([*rows]),)
    )
    return {each[0]: _hit(each, folder, collection) for each in found}


def ids(connection: Connection, rows: Iterable[int]) -> dict[int, str]:
    """The chunk ids of these rows."""
    found = connection.execute(
        "SELECT row, id FROM chunks WHERE row IN (SELECT value FROM json_each(?))", (json.dumps([*rows]),)
    )
    return dict(found)


def rows_by_id(
    connection: Connection, collection: int, names: Sequence[str], wanted: Filter | None
) -> dict[str, int]:
    """The rows of those chunks that exist and are in scope."""
    where = chunk_filter(wanted)
    found = connection.execute(
        "SELECT c.id, c.row FROM chunks AS c WHERE c.collection = ? "
        f"AND c.id IN (SELECT value FROM json_each(?)) AND {where.sql}",
        (collection, json.dumps([*names]), *where.parameters),
    )
    return dict(found)


def chunks(connection: Connection, folder: Path, scope: Scope, collection: int, source: str) -> list[Hit]:
    """The chunks of a source that are in scope, in the order of its text."""
    where = chunk_filter(scope.filter)
    found = connection.execute(
        _hit_query(connection)
        # naming the chunks' collection too lets SQLite find them by their document, not look through all
        + "WHERE d.collection = ? AND d.source = ? AND c.collection = ? "
        + f'AND {where.sql} ORDER BY c.start, c."end", c.id',
        (collection, source, collection, *where.parameters),
    )
    return [_hit(each, folder, scope.collection) for each in found]


def sources(
    connection: Connection,
    scope: Scope,
    collection: int,
    dense: bool,
    metadata: bool = False,
    only: str | None = None,
    tokens: int | None = None,
    sparse: bool = False,
) -> Iterator[SourceState]:
    """Every source in scope, and origins that hold none, or `only` the one of that name.

    One that lacks vectors, of the kinds that are asked for, is given no digest.
    """
    where = chunk_filter(scope.filter)
    whole = compile_filter(scope.filter, "d.metadata", "d.plain", "d.source") if scope.filter else where
    chunks = "FROM chunks AS c WHERE c.collection = o.collection AND c.document"
    found = connection.execute(
        f"""SELECT IFNULL(d.source, o.origin), o.origin, o.fingerprint, o.stamp, o.digest, o.metadata_hash,
        o.size, o.stored_at,
        (SELECT COUNT(*) {chunks} = d.id AND {where.sql}), EXISTS (SELECT 1 {chunks} = d.id),
        o.id,
        d.id IS NULL OR {whole.sql}, {"d.metadata" if metadata else "NULL"}
        FROM origins AS o LEFT JOIN documents AS d ON d.origin = o.id
        WHERE o.collection = ? {"" if only is None else "AND d.collection = o.collection AND d.source = ?"}
        ORDER BY 1""",
        (*where.parameters, *whole.parameters, collection, *([] if only is None else [only])),
    )
    lacking = _lacking(connection, collection, only, tokens) if dense else frozenset()
    if sparse:
        lacking |= _lacking_sparse(connection, collection)
    for *state, held, has_chunks, origin_id, visible, written in found:
        if not scope.filter or held or (visible and not has_chunks):
            source, origin, fingerprint, stamp, digest, metadata_hash, size, stored_at = state
            digest = "" if origin_id in lacking else digest
            own = {} if written is None else decode(written)
            yield SourceState(
                source, origin, fingerprint, stamp, digest, metadata_hash, held, own, size, stored_at
            )


def _lacking(connection: Connection, collection: int, only: str | None, tokens: int | None) -> frozenset[int]:
    """The origins of which a chunk has no vector; with `only`, whether that source's origin is one.

    With `tokens` it may be the vectors of its tokens that it lacks in the set of this number.
    """
    bare = "c.slot IS NULL"
    if tokens is not None:
        spans = "c.slot NOT IN (SELECT slot FROM token_spans WHERE vector_set = ?)"
        bare = f"({bare} OR {spans if schema.has_tokens(connection) else '?'})"  # a number isn't false
    one = "AND d.origin = (SELECT origin FROM documents WHERE collection = d.collection AND source = ?)"
    found = connection.execute(
        "SELECT DISTINCT d.origin FROM documents AS d JOIN chunks AS c "
        "ON c.collection = d.collection AND c.document = d.id "
        f"WHERE d.collection = ? AND {bare} {'' if only is None else one}",
        (collection, *([] if tokens is None else [tokens]), *([] if only is None else [only])),
    )
    return frozenset(origin for (origin,) in found)


def _lacking_sparse(connection: Connection, collection: int) -> frozenset[int]:
    """The origins of which a chunk has no sparse vector."""
    bare = "AND c.row NOT IN (SELECT row FROM sparse)" if schema.has_sparse(connection) else ""
    found = connection.execute(
        "SELECT DISTINCT d.origin FROM documents AS d JOIN chunks AS c "
        f"ON c.collection = d.collection AND c.document = d.id WHERE d.collection = ? {bare}",
        (collection,),
    )
    return frozenset(origin for (origin,) in found)


def document(
    connection: Connection, folder: Path, scope: Scope, collection: int, source: str
) -> Document | None:
    """A stored document, if it or one of its chunks is in scope."""
    if scope.filter and not any(sources(connection, scope, collection, False, only=source)):
        return None
    found = connection.execute(
        "SELECT id FROM documents WHERE collection = ? AND source = ?", (collection, source)
    ).fetchone()
    return None if found is None else stored_document(connection, folder, found[0])[0]


def stored_document(connection: Connection, folder: Path, number: int) -> tuple[Document, str]:
    """A document by its number, with its content hash. Raises `IndexDamaged` where it is damaged."""
    reading, readings = "NULL, NULL, NULL, NULL", ""
    if schema.has_readings(connection):
        reading = "r.reader, r.encoding, r.verbatim, r.checksum"
        readings = "LEFT JOIN readings AS r ON r.document = d.id"
    row = connection.execute(
        "SELECT d.source, d.metadata, d.pages, d.warnings, d.body, d.media_type, d.content_hash, d.checksum, "
        f"d.text, {reading} FROM documents AS d {readings} WHERE d.id = ?",
        (number,),
    ).fetchone()
    return _unpacked(row, folder), row[6]


def _unpacked(row: Sequence[Any], folder: Path) -> Document:
    *content, stored, packed = row[:9]
    *told, sum_of_told = row[9:]
    source, metadata, pages, warnings, body, media_type, content_hash = content
    if checksum(*content) != stored:
        raise damaged(folder, source)
    try:
        raw = zlib.decompress(packed)
    except zlib.error:
        raise damaged(folder, source) from None
    known = sum_of_told is not None
    if hashlib.sha256(raw).hexdigest() != content_hash or (known and checksum(*told) != sum_of_told):
        raise damaged(folder, source)
    return Document(
        source,
        raw.decode(),
        decode(metadata),
        tuple(json.loads(pages)),
        tuple(json.loads(warnings)),
        body,
        media_type,
        Reading(told[0], told[1], bool(told[2])) if known else Reading(),
    )


def _hit_query(connection: Connection) -> str:
    if schema.has_lines(connection):
        return _HIT.format(line="l.line, l.checksum", lines="LEFT JOIN lines AS l ON l.row = c.row")
    return _HIT.format(line="NULL, NULL", lines="")


def _hit(row: Sequence[Any], folder: Path, collection: str) -> Hit:
    number, name, source, start, end, text, metadata, page, content_hash, stored, *of_document = row
    line, sum_of_line, pages = of_document
    sound = line is None or checksum(number, line) == sum_of_line
    if not sound or checksum(name, start, end, page, metadata, text) != stored:
        raise damaged(folder, source)
    return Hit(
        name, source, start, end, text, metadata=decode(metadata), page=page, collection=collection,
        content_hash=content_hash, line=line,
        page_breaks=() if pages is None else breaks(json.loads(pages), start, end),
    )  # fmt: skip


def damaged(folder: Path, source: str) -> IndexDamaged:
    """The error for a row that isn't what was stored."""
    return IndexDamaged(
        f"What the index at {folder} holds of {source!r} isn't what was stored.",
        "Restore a snapshot, or remove the folder and ingest again.",
    )


def contexts(connection: Connection, rows: Iterable[int]) -> dict[int, str]:
    """The words that the chunks in these rows were embedded below, of those that have some."""
    if not schema.has_contexts(connection):
        return {}
    found = connection.execute(
        "SELECT row, text FROM contexts WHERE row IN (SELECT value FROM json_each(?))", (json.dumps([*rows]),)
    )
    return dict(found)


def slots(connection: Connection, rows: Iterable[int]) -> dict[int, int | None]:
    """Where the vectors of these rows are."""
    found = connection.execute(
        "SELECT row, slot FROM chunks WHERE row IN (SELECT value FROM json_each(?))", (json.dumps([*rows]),)
    )
    return dict(found)


def known_slots(connection: Connection, hashes: Sequence[bytes]) -> dict[bytes, int]:
    """Where the vectors of embedded texts are, for those that have one."""
    known: dict[bytes, int] = {}
    for i in range(0, len(hashes), 5000):
        some = hashes[i : i + 5000]
        marks = ",".join("?" * len(some))
        known.update(
            connection.execute(f"SELECT text_hash, slot FROM vectors WHERE text_hash IN ({marks})", some)
        )
    return known


def passages(
    connection: Connection, collection: int, documents: Iterable[int] | None
) -> Iterator[tuple[int, int, str, str]]:
    """Row, document, metadata and searched text of the chunks of these documents, or of all."""
    context, contexts = "''", ""
    if schema.has_contexts(connection):
        context, contexts = "IFNULL(x.text, '')", "LEFT JOIN contexts AS x ON x.row = c.row"
    some = "" if documents is None else "AND c.document IN (SELECT value FROM json_each(?)) ORDER BY c.row"
    found = connection.execute(
        f"SELECT c.row, c.document, c.metadata, p.text, {context} FROM chunks AS c "
        f"JOIN passages AS p ON p.row = c.row {contexts} WHERE c.collection = ? {some}",
        (collection, *([] if documents is None else [json.dumps([*documents])])),
    )
    return ((*place, in_context(above, text)) for *place, text, above in found)
