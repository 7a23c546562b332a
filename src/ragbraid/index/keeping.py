"""Looks after an index: what is wrong with it, how it is mended, how large it is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from sqlite3 import Connection
from typing import TypeAlias

from ragbraid.errors import IndexDamaged
from ragbraid.index import inspection, reading, rewriting, upgrading, vector_sets, writing
from ragbraid.index.derived import WAIT_SECONDS, Derived
from ragbraid.index.lock import exclusive
from ragbraid.index.rows_file import FOLDER as ROWS
from ragbraid.index.schema import DATABASE, FORMAT
from ragbraid.index.sparse import store as sparse
from ragbraid.index.sparse.file import FOLDER as SPARSE
from ragbraid.index.structure import state as structures
from ragbraid.index.tokens import store as tokens
from ragbraid.index.upkeep import CollectionStats, IndexStats, Problem, StructureStats

Parts: TypeAlias = Callable[[Connection, str, int], Derived]
"""Gives what is derived from a collection, by its name and number."""

_PURGE = "Run `ragbraid index compact`: it finishes it."
_REPAIR = "Run `ragbraid index repair`: it is made again from the database."


def problems(folder: Path, connection: Connection, parts: Parts) -> list[Problem]:
    """Everything that isn't what was stored."""
    found = [
        *inspection.database(connection, folder),
        *inspection.vectors(connection, folder),
        *inspection.sparse_vectors(connection),
    ]
    for name, number in reading.collections(connection):
        part = parts(connection, name, number)
        if part.has_damaged_rows():
            found.append(Problem(f"{ROWS}/{number}", "it isn't what was written", _REPAIR))
        if part.impacts.is_damaged():
            found.append(Problem(f"{SPARSE}/{number}", "it isn't what was written", _REPAIR))
        if what := part.damage(connection):
            found.append(Problem(f"lexical/{number}", what, _REPAIR))
    if rewriting.is_purging(connection):
        found.append(
            Problem(DATABASE, "a purge was interrupted: bytes of what it removed may be left", _PURGE)
        )
    uuid = reading.meta(connection)["uuid"]
    return [
        *found,
        *(
            Problem(f"{each.structure}/{name}", "it isn't what was written", _REPAIR)
            for each in vector_sets.every(connection)
            for name in structures.damaged_files(folder / each.structure, uuid)
        ),
    ]


def beyond_reading(error: IndexDamaged) -> Problem:
    """A database that can't even be asked what is wrong with it."""
    return Problem(DATABASE, error.message, error.hint)


def rebuild(connection: Connection, parts: Parts, folder: Path) -> None:
    """Derive anew those lexical indexes that are damaged."""
    for name, number in reading.collections(connection):
        part = parts(connection, name, number)
        damaged = part.damage(connection)
        with exclusive(folder / "writer.lock", WAIT_SECONDS):
            if damaged:
                part.catch_up(connection, anew=True)
            part.keep_rows(connection, anew=part.has_damaged_rows())
            if part.impacts.is_damaged():
                part.impacts.keep(connection, part.rows(connection), anew=True)
    with exclusive(folder / "writer.lock", WAIT_SECONDS):
        uuid = reading.meta(connection)["uuid"]
        for place in (folder / each.structure for each in vector_sets.every(connection)):
            if structures.damaged_files(place, uuid):
                structures.drop(place)  # the writer who comes next makes it again


def forget_damaged(connection: Connection, folder: Path) -> None:
    """Let the next ingest read damaged documents again, and embed what has lost its vectors."""
    documents = [number for number, _ in inspection.damaged_documents(connection, folder)]
    writing.outdate(connection, documents)
    sparse.forget(connection, sparse.bad_rows(connection))
    held = vector_sets.current(connection)
    if held is not None:
        tokens.forget_damaged(connection, folder, held)
        blocks = vector_sets.sound_blocks(connection, held.number)
        if bad := held.opened(connection, folder).bad_blocks(blocks):
            writing.forget_blocks(connection, held.number, bad)


def stats(connection: Connection, folder: Path) -> IndexStats:
    """How the index is made and how much it holds."""
    uuid, held = reading.meta(connection)["uuid"], vector_sets.current(connection)
    number = 0 if held is None else held.number
    blocks = "SELECT IFNULL(SUM(count), 0) FROM vector_blocks WHERE vector_set = ?"
    return IndexStats(
        path=folder,
        format=FORMAT,
        uuid=uuid,
        embedder=None if held is None else held.embedder,
        dimensions=None if held is None else held.dimensions,
        structure=StructureStats() if held is None else structures.described(folder / held.structure, uuid),
        commits=_number(connection, "SELECT IFNULL(MAX(seq), 0) FROM log"),
        collections=tuple(_collection(connection, *each) for each in reading.collections(connection)),
        vectors=_number(connection, blocks, number),
        vectors_used=_number(connection, f"SELECT COUNT(DISTINCT slot) FROM chunks WHERE {inspection.THERE}"),
        vectors_lost=_number(connection, f"{blocks} AND crc IS NULL", number),
        bytes={
            "database": sum(each.stat().st_size for each in folder.glob(f"{DATABASE}*")),
            "vectors": sum(each.stat().st_size for each in folder.glob("vectors*.f32")),
            "tokens": sum(each.stat().st_size for each in folder.glob("tokens*.i8")),
            "structure": sum(each.stat().st_size for each in folder.glob("dense*/*")),
            "sparse": sum(each.stat().st_size for each in folder.glob(f"{SPARSE}/*")),
            "rows": sum(each.stat().st_size for each in folder.glob(f"{ROWS}/*")),
            "lexical": sum(each.stat().st_size for each in folder.glob("lexical/*/*")),
        },
        purging=rewriting.is_purging(connection),
        earlier=tuple(upgrading.kept(folder)),
    )


def _collection(connection: Connection, name: str, number: int) -> CollectionStats:
    sources = _number(connection, "SELECT COUNT(*) FROM documents WHERE collection = ?", number)
    chunks = _number(connection, "SELECT COUNT(*) FROM chunks WHERE collection = ?", number)
    return CollectionStats(name, sources, chunks)


def _number(connection: Connection, query: str, *parameters: int) -> int:
    return int(connection.execute(query, parameters).fetchone()[0])
