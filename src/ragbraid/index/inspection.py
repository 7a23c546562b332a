"""Reads every byte of an index and compares it with what was stored."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from sqlite3 import Connection

from ragbraid.errors import IndexDamaged
from ragbraid.index import reading, vector_sets
from ragbraid.index.checks import checksum
from ragbraid.index.schema import DATABASE, has_contexts, has_lines
from ragbraid.index.sparse import store as sparse
from ragbraid.index.tokens import store as tokens
from ragbraid.index.upkeep import Problem
from ragbraid.index.vector_sets import VectorSet
from ragbraid.text.counted import counted
from ragbraid.text.lines import lines_at

_RESTORE = "Restore a snapshot, or remove the folder and ingest again."
_INGEST = "Run `ragbraid index repair`, then ingest it again."
_EMBED = "Run `ragbraid ingest` on what it holds: it embeds what is missing."
_AGAIN = "Run `ragbraid index repair`, then `ragbraid ingest` on what it holds: it makes them anew."
_MOST = 100
"""Further problems of one kind are as good as told by these."""

THERE = "collection IN (SELECT id FROM collections)"
"""A collection that was dropped leaves its rows to the next compaction."""

_STRAYS = {
    "chunk without text": "SELECT COUNT(*) FROM chunks WHERE row NOT IN (SELECT row FROM passages)",
    "text without a chunk": "SELECT COUNT(*) FROM passages WHERE row NOT IN (SELECT row FROM chunks)",
    "chunk without a document": "SELECT COUNT(*) FROM chunks AS c WHERE NOT EXISTS "
    "(SELECT 1 FROM documents AS d WHERE d.id = c.document AND d.collection = c.collection)",
    "document without an origin": "SELECT COUNT(*) FROM documents AS d WHERE NOT EXISTS "
    "(SELECT 1 FROM origins AS o WHERE o.id = d.origin AND o.collection = d.collection)",
    "origin without a collection": "SELECT COUNT(*) FROM origins "
    "WHERE collection NOT IN (SELECT id FROM collections UNION SELECT collection FROM dropped)",
}


def database(connection: Connection, folder: Path) -> Iterator[Problem]:
    """What is wrong with the database: its pages, its rows' sums, what belongs together."""
    try:
        found = [line for (line,) in connection.execute(f"PRAGMA integrity_check({_MOST})")]
        yield from (Problem(DATABASE, line, _RESTORE) for line in found if line != "ok")
        for what, query in _STRAYS.items():
            (count,) = connection.execute(query).fetchone()
            if count:
                thing, _, lacking = what.partition(" ")
                yield Problem(DATABASE, f"{counted(count, thing)} {lacking}", _RESTORE)
        yield from _documents(connection, folder)
    except sqlite3.DatabaseError as error:
        yield Problem(DATABASE, str(error), _RESTORE)


def vectors(connection: Connection, folder: Path) -> Iterator[Problem]:
    """What is wrong with the vectors: their sums, and rows that have none."""
    for each in vector_sets.every(connection):
        yield from _blocks(connection, folder, each)
        yield from _tokens(connection, folder, each)
        if each.role == "current":
            yield from _slots(connection, each)


def sparse_vectors(connection: Connection) -> Iterator[Problem]:
    """What is wrong with the sparse vectors."""
    if bad := sparse.bad_rows(connection):
        told = f"the sparse vectors of {counted(len(bad), 'chunk')} aren't what was stored"
        yield Problem(DATABASE, told, _AGAIN)


def _blocks(connection: Connection, folder: Path, held: VectorSet) -> Iterator[Problem]:
    blocks = connection.execute(
        "SELECT first, count, crc FROM vector_blocks WHERE vector_set = ? ORDER BY first", (held.number,)
    ).fetchall()
    ends = [0, *(first + count for first, count, _ in blocks)]
    if [first for first, _, _ in blocks] != ends[:-1]:
        yield Problem(DATABASE, "the blocks of vectors leave a gap or overlap", _RESTORE)
    file = held.opened(connection, folder)
    for first in file.bad_blocks(each for each in blocks if each[2] is not None)[:_MOST]:
        yield Problem(held.name, f"the block of vectors at {first} isn't what was written", _EMBED)


def _tokens(connection: Connection, folder: Path, held: VectorSet) -> Iterator[Problem]:
    for first in tokens.bad_blocks(connection, folder, held)[:_MOST]:
        yield Problem(held.tokens, f"the block of token vectors at {first} isn't what was written", _AGAIN)
    if bad := tokens.bad_spans(connection, held):
        told = f"the token vectors of {counted(len(bad), 'text')} aren't what was stored"
        yield Problem(DATABASE, told, _AGAIN)


def _slots(connection: Connection, held: VectorSet) -> Iterator[Problem]:
    (beyond,) = connection.execute(
        "SELECT (SELECT COUNT(*) FROM chunks WHERE slot NOT BETWEEN 0 AND ?1) "
        "+ (SELECT COUNT(*) FROM vectors WHERE slot NOT BETWEEN 0 AND ?1)",
        (vector_sets.end(connection, held.number) - 1,),
    ).fetchone()
    if beyond:
        yield Problem(DATABASE, f"{counted(beyond, 'reference')} to what was never stored", _RESTORE)
    (missing,) = connection.execute(f"SELECT COUNT(*) FROM chunks WHERE slot IS NULL AND {THERE}").fetchone()
    if missing:
        yield Problem(held.name, f"{counted(missing, 'chunk')} without a vector", _EMBED)


def damaged_documents(connection: Connection, folder: Path) -> Iterator[tuple[int, str]]:
    """The documents that aren't what was stored, by their number in the database, and what is wrong."""
    stored = connection.execute(f"SELECT id, collection FROM documents WHERE {THERE} ORDER BY id")
    for number, collection in stored:
        try:
            document, _ = reading.stored_document(connection, folder, number)
            what = _chunks(connection, number, collection, document.text)
        except (IndexDamaged, ValueError):
            what = "the document isn't what was stored"
        if what:
            yield number, what


def _documents(connection: Connection, folder: Path) -> Iterator[Problem]:
    for number, what in islice(damaged_documents(connection, folder), _MOST):
        source, name = connection.execute(
            "SELECT d.source, c.name FROM documents AS d LEFT JOIN collections AS c ON c.id = d.collection "
            "WHERE d.id = ?",
            (number,),
        ).fetchone()
        place = str(source) if name == "default" else f"{source} in the collection {name}"
        yield Problem(place, what, _INGEST)


def _chunks(connection: Connection, document: int, collection: int, text: str) -> str:
    """What is wrong with a document's chunks; empty where nothing is."""
    found = connection.execute(
        'SELECT c.id, c.start, c."end", c.page, c.metadata, p.text, c.checksum '
        "FROM chunks AS c JOIN passages AS p ON p.row = c.row WHERE c.collection = ? AND c.document = ?",
        (collection, document),
    )
    for name, start, end, page, metadata, passage, stored in found:
        if checksum(name, start, end, page, metadata, passage) != stored:
            return f"the chunk {name} isn't what was stored"
        if text[start:end] != passage:
            return f"the chunk {name} isn't the document's text at its offsets"
    return _contexts(connection, document, collection) or _lines(connection, document, collection, text)


def _contexts(connection: Connection, document: int, collection: int) -> str:
    if not has_contexts(connection):
        return ""
    found = connection.execute(
        "SELECT c.id, x.text, x.checksum FROM chunks AS c JOIN contexts AS x ON x.row = c.row "
        "WHERE c.collection = ? AND c.document = ?",
        (collection, document),
    )
    wrong = next((name for name, text, stored in found if checksum(text) != stored), None)
    return "" if wrong is None else f"the context of the chunk {wrong} isn't what was stored"


def _lines(connection: Connection, document: int, collection: int, text: str) -> str:
    if not has_lines(connection):
        return ""
    found = connection.execute(
        "SELECT c.id, c.start, c.row, l.line, l.checksum FROM chunks AS c JOIN lines AS l ON l.row = c.row "
        "WHERE c.collection = ? AND c.document = ?",
        (collection, document),
    ).fetchall()
    lines = lines_at(text, (start for _, start, *_ in found))
    wrong = next(
        (name for name, at, row, line, sum_ in found if lines[at] != line or checksum(row, line) != sum_),
        None,
    )
    return "" if wrong is None else f"the line of the chunk {wrong} isn't what was stored"
