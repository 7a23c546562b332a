"""Writes an index anew without what was deleted from it: a compaction.

Everything new is written beside what is there. One transaction of the database says which is meant: killed
before it, the index is as it was; killed after it, as it shall be, with files left over that the next one
removes.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path
from sqlite3 import Connection
from typing import TypeAlias

import numpy as np

from ragbraid.index import reading, vector_sets, writing
from ragbraid.index.rows import Ints
from ragbraid.index.tokens import store as tokens
from ragbraid.index.vector_file import BLOCK_ROWS, let_go
from ragbraid.index.vector_sets import VectorSet
from ragbraid.types import Vectors

Build: TypeAlias = Callable[[Connection, VectorSet, Vectors], None]
"""Makes the structure over a set's vectors."""

_PURGING = "purging"
_FILES = ("vectors*.f32", "tokens*.i8", "dense*")
_AT_ONCE = 16 * BLOCK_ROWS


def is_purging(connection: Connection) -> bool:
    """Whether a purge was begun that hasn't ended: bytes of what it removed may be left on disk."""
    return connection.execute("SELECT 1 FROM meta WHERE key = ?", (_PURGING,)).fetchone() is not None


def note_purge(connection: Connection, under_way: bool) -> None:
    """Write down that a purge has begun, or has ended."""
    connection.execute("DELETE FROM meta WHERE key = ?", (_PURGING,))
    if under_way:
        connection.execute("INSERT INTO meta VALUES (?, '1')", (_PURGING,))


def repack(connection: Connection, folder: Path, build: Build, former: bool) -> None:
    """Give each set of vectors a file that holds nothing but what chunks refer to; dropped rows go first.

    This belongs to the caller's transaction; the files are on disk when it returns. With `former` the sets
    that were current before are kept.
    """
    writing.sweep(connection)
    for each in vector_sets.every(connection):
        if each.role == "former" and not former:
            vector_sets.forget(connection, each)
        else:
            _forget_damaged(connection, folder, each)
    found = connection.execute("SELECT DISTINCT slot FROM chunks WHERE slot IS NOT NULL ORDER BY slot")
    live = np.fromiter((slot for (slot,) in found), np.int64)
    sets = vector_sets.every(connection)
    if not all(_is_tight(connection, folder, each, live) for each in sets):
        for each in sets:
            _rewrite(connection, folder, each, live, build)
        _renumber(connection, live)
        writing.reset(connection)
    writing.prune(connection)


def tidy(connection: Connection, folder: Path) -> None:
    """Remove the files that the index doesn't refer to; on Windows those that are still mapped stay for now.

    The caller holds the writer's lock, and no reader sees an older state.
    """
    sets = vector_sets.every(connection)
    kept = {name for each in sets for name in (each.name, each.structure, each.tokens)}
    numbers = {str(number) for _, number in reading.collections(connection)}
    for each in folder.iterdir():
        if each.name not in kept and any(fnmatchcase(each.name, ours) for ours in _FILES):
            _remove(each)
    for each in (*folder.glob("lexical/*"), *folder.glob("rows/*"), *folder.glob("sparse/*")):
        if each.name not in numbers:
            _remove(each)


def _forget_damaged(connection: Connection, folder: Path, held: VectorSet) -> None:
    """What is damaged waits for the next ingest; a set that isn't the current one goes as a whole."""
    bad = held.opened(connection, folder).bad_blocks(vector_sets.sound_blocks(connection, held.number))
    if bad and held.role == "current":
        writing.forget_blocks(connection, held.number, bad)
    elif bad:
        vector_sets.forget(connection, held)


def _is_tight(connection: Connection, folder: Path, held: VectorSet, live: Ints) -> bool:
    """Whether a set's file holds nothing that no chunk refers to."""
    end = vector_sets.end(connection, held.number)
    vectors = int(np.searchsorted(live, end)) == end and held.opened(connection, folder).holds_just(end)
    return vectors and tokens.is_tight(connection, folder, held, live)


def _rewrite(connection: Connection, folder: Path, held: VectorSet, live: Ints, build: Build) -> None:
    blocks = vector_sets.sound_blocks(connection, held.number, last_only=True)
    end = sum(blocks[0][:2]) if blocks else 0
    matrix = held.opened(connection, folder).map(end)
    kept = live[: np.searchsorted(live, end)]
    fresh = replace(held, file=vector_sets.new_file(connection))
    file = fresh.opened(connection, folder)

    def parts(first: int) -> Vectors:
        part: Vectors = matrix[kept[first : first + _AT_ONCE]]
        let_go(matrix)
        return part

    written = file.write(parts(first) for first in range(0, len(kept), _AT_ONCE))
    tokens.rewrite(connection, folder, held, fresh, live)
    vector_sets.replace_file(connection, fresh, written)
    build(connection, fresh, file.map(len(kept)))


def _renumber(connection: Connection, live: Ints) -> None:
    """Let chunks and known texts refer to the place of a slot among those that are kept."""
    connection.execute("CREATE TEMP TABLE moved (old INTEGER PRIMARY KEY, new INTEGER NOT NULL)")
    connection.executemany(
        "INSERT INTO moved VALUES (?, ?)", zip(live.tolist(), range(len(live)), strict=True)
    )
    connection.execute("DELETE FROM vectors WHERE slot NOT IN (SELECT old FROM moved)")
    for table in ("vectors", "chunks"):
        connection.execute(
            f"UPDATE {table} SET slot = (SELECT new FROM moved WHERE old = slot) WHERE slot IS NOT NULL"
        )
    connection.execute("DROP TABLE moved")


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(OSError):
            path.unlink()
