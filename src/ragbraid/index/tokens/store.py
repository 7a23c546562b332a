"""Where the token vectors of a set of vectors are: a file beside that of the vectors, tables that say where.

Tokens belong to a slot, as a chunk's vector does, so that equal texts share them, whatever chunk they are of.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from sqlite3 import Connection
from typing import Any, cast

import numpy as np

from ragbraid.errors import IndexDamaged
from ragbraid.index import schema
from ragbraid.index.checks import checksum
from ragbraid.index.rows import Ints
from ragbraid.index.tokens.packing import SCALE, Bytes, Packed, Unpacked, text_sum, unpacked
from ragbraid.index.vector_file import BLOCK_ROWS, VectorFile, VectorFileError, let_go
from ragbraid.index.vector_sets import Block, VectorSet

_IN = "IN (SELECT value FROM json_each(?))"
_AT_ONCE = 16 * BLOCK_ROWS


def opened(connection: Connection, folder: Path, held: VectorSet) -> VectorFile:
    """The file of a set's token vectors."""
    (uuid,) = connection.execute("SELECT value FROM meta WHERE key = 'uuid'").fetchone()
    return VectorFile(folder / held.tokens, uuid, held.dimensions + SCALE, np.int8)


def end(connection: Connection, held: VectorSet) -> int:
    """How many tokens a set's file has."""
    query = "SELECT IFNULL(MAX(first + count), 0) FROM token_blocks WHERE vector_set = ?"
    return int(connection.execute(query, (held.number,)).fetchone()[0])


def blocks(connection: Connection, held: VectorSet) -> list[Block]:
    """The blocks of a set's file that aren't known to be lost."""
    return connection.execute(
        "SELECT first, count, crc FROM token_blocks WHERE vector_set = ? AND crc IS NOT NULL ORDER BY first",
        (held.number,),
    ).fetchall()


def without(connection: Connection, held: VectorSet, hashes: Sequence[bytes]) -> set[bytes]:
    """Those of the embedded texts, by their hashes, whose slot has no tokens, or that have none."""
    if not schema.has_tokens(connection):
        return set(hashes)
    known: set[bytes] = set()
    for low in range(0, len(hashes), 5000):
        some = hashes[low : low + 5000]
        known.update(
            text_hash
            for (text_hash,) in connection.execute(
                "SELECT v.text_hash FROM vectors AS v JOIN token_spans AS s ON s.slot = v.slot "
                f"WHERE s.vector_set = ? AND v.text_hash IN ({','.join('?' * len(some))})",
                (held.number, *some),
            )
        )
    return set(hashes) - known


def add(connection: Connection, folder: Path, held: VectorSet, made: Mapping[int, Packed]) -> None:
    """Store the tokens of these slots, on disk when this returns; the caller's transaction refers to them."""
    schema.add_tokens(connection)
    file = opened(connection, folder, held)
    if not _is_sound(connection, file, held):
        forget_damaged(connection, folder, held)
    there = _slots(connection, held, made)
    fresh = {slot: each for slot, each in made.items() if slot not in there}
    first = end(connection, held)
    spans = []
    for slot, each in fresh.items():
        spans.append(_span(held, slot, first, len(each.rows), each.text, each.layout))
        first += len(each.rows)
    rows = [each.rows for each in fresh.values() if len(each.rows)]
    if rows:
        _add_blocks(connection, held, file.append(end(connection, held), cast("Any", np.concatenate(rows))))
    connection.executemany("INSERT INTO token_spans VALUES (?, ?, ?, ?, ?, ?, ?)", spans)


def read(connection: Connection, folder: Path, held: VectorSet, rows: Iterable[int]) -> dict[int, Unpacked]:
    """The tokens of those of these rows that have some; none where the file isn't what was written."""
    if not schema.has_tokens(connection):
        return {}
    found = connection.execute(
        "SELECT c.row, p.text, s.slot, s.first, s.count, s.text, s.layout, s.checksum FROM chunks AS c "
        "JOIN passages AS p ON p.row = c.row JOIN token_spans AS s ON s.slot = c.slot "
        f"WHERE s.vector_set = ? AND c.row {_IN}",
        (held.number, json.dumps([*rows])),
    ).fetchall()
    file = opened(connection, folder, held)
    try:
        if not found or not _is_sound(connection, file, held):
            return {}
        matrix = cast("Bytes", file.map(end(connection, held)).view(np.ndarray))
    except VectorFileError:
        return {}
    return {
        row: unpacked(matrix[first : first + count], layout)
        for row, text, slot, first, count, of, layout, stored in found
        if of == text_sum(text) and stored == checksum(slot, first, count, of, layout.hex())
    }


def bad_blocks(connection: Connection, folder: Path, held: VectorSet) -> list[int]:
    """The first tokens of those blocks that aren't what was written."""
    if not schema.has_tokens(connection):
        return []
    return opened(connection, folder, held).bad_blocks(blocks(connection, held))


def bad_spans(connection: Connection, held: VectorSet) -> list[int]:
    """The slots for which the database says something else than was written."""
    if not schema.has_tokens(connection):
        return []
    most = end(connection, held)
    return [
        slot
        for slot, first, count, text, layout, stored in _spans(connection, held)
        if stored != checksum(slot, first, count, text, layout.hex()) or first + count > most
    ]


def forget_damaged(connection: Connection, folder: Path, held: VectorSet) -> None:
    """Let slots whose tokens are damaged have none: the next ingest makes them anew."""
    if not schema.has_tokens(connection):
        return
    for first in bad_blocks(connection, folder, held):
        (count,) = connection.execute(
            "SELECT count FROM token_blocks WHERE vector_set = ? AND first = ?", (held.number, first)
        ).fetchone()
        connection.execute(
            "DELETE FROM token_spans WHERE vector_set = ? AND first < ? AND first + count > ?",
            (held.number, first + count, first),
        )
        connection.execute(
            "UPDATE token_blocks SET crc = NULL WHERE vector_set = ? AND first = ?", (held.number, first)
        )
    bad = bad_spans(connection, held)
    connection.execute(
        f"DELETE FROM token_spans WHERE vector_set = ? AND slot {_IN}", (held.number, json.dumps(bad))
    )


def copy(connection: Connection, folder: Path, target: Path, held: VectorSet) -> None:
    """Copy a set's file into the folder of a snapshot. Raises `IndexDamaged` for a damaged one."""
    if not schema.has_tokens(connection) or not end(connection, held):
        return
    if bad_blocks(connection, folder, held):
        raise IndexDamaged(
            f"The token vectors of the index at {folder} are damaged, so they can't be copied.",
            "Run `ragbraid index repair`, then `ragbraid ingest`: it makes them anew.",
        )
    matrix = opened(connection, folder, held).map(end(connection, held))
    parts = (matrix[low : low + _AT_ONCE] for low in range(0, len(matrix), _AT_ONCE))
    opened(connection, target, held).write(_letting_go(parts, matrix))


def is_tight(connection: Connection, folder: Path, held: VectorSet, live: Ints) -> bool:
    """Whether the file holds nothing but the tokens of live slots."""
    if not schema.has_tokens(connection):
        return True
    spans = _spans(connection, held)
    slots = np.array([slot for slot, *_ in spans], np.int64)
    count = sum(count for _, _, count, *_ in spans)
    tight = count == end(connection, held) and bool(np.isin(slots, live).all())
    return tight and opened(connection, folder, held).holds_just(count)


def rewrite(connection: Connection, folder: Path, held: VectorSet, fresh: VectorSet, live: Ints) -> None:
    """Write the tokens of live slots into a new set's file; a slot is then its place among those."""
    if not schema.has_tokens(connection):
        return
    forget_damaged(connection, folder, held)
    kept = [each for each in _spans(connection, held) if each[0] in set(live.tolist())]
    matrix = opened(connection, folder, held).map(end(connection, held))
    connection.execute("DELETE FROM token_spans WHERE vector_set = ?", (held.number,))
    connection.execute("DELETE FROM token_blocks WHERE vector_set = ?", (held.number,))
    first, spans = 0, []
    for slot, _, count, text, layout, _ in kept:
        place = int(np.searchsorted(live, slot))
        spans.append(_span(held, place, first, count, text, layout))
        first += count
    if first:
        parts = _joined(matrix[low : low + count] for _, low, count, *_ in kept)
        written = opened(connection, folder, fresh).write(_letting_go(parts, matrix))
        _add_blocks(connection, held, written)
    connection.executemany("INSERT INTO token_spans VALUES (?, ?, ?, ?, ?, ?, ?)", spans)


def _joined(spans: Iterable[Any]) -> Iterator[Any]:
    """The same rows in parts of `_AT_ONCE`, the last of which may be shorter."""
    waiting: list[Any] = []
    count = 0
    for each in spans:
        waiting.append(each)
        count += len(each)
        if count >= _AT_ONCE:
            rows = np.concatenate(waiting)
            whole = count - count % _AT_ONCE
            yield rows[:whole]
            waiting, count = [rows[whole:]], count - whole
    if count:
        yield np.concatenate(waiting)


def _letting_go(parts: Iterator[Any], matrix: Any) -> Iterator[Any]:
    for each in parts:
        yield each
        let_go(matrix)


def _is_sound(connection: Connection, file: VectorFile, held: VectorSet) -> bool:
    """Whether the newest block is what was written, which a torn, foreign or half-copied file hasn't."""
    return not file.bad_blocks(blocks(connection, held)[-1:])


def _slots(connection: Connection, held: VectorSet, slots: Iterable[int]) -> set[int]:
    found = connection.execute(
        f"SELECT slot FROM token_spans WHERE vector_set = ? AND slot {_IN}",
        (held.number, json.dumps([*slots])),
    )
    return {slot for (slot,) in found}


def _spans(connection: Connection, held: VectorSet) -> list[tuple[int, int, int, int, bytes, int]]:
    return connection.execute(
        "SELECT slot, first, count, text, layout, checksum FROM token_spans WHERE vector_set = ? "
        "ORDER BY slot",
        (held.number,),
    ).fetchall()


def _span(held: VectorSet, slot: int, first: int, count: int, text: int, layout: bytes) -> tuple[Any, ...]:
    stored = checksum(slot, first, count, text, layout.hex())
    return (held.number, slot, first, count, text, layout, stored)


def _add_blocks(connection: Connection, held: VectorSet, written: Sequence[Block]) -> None:
    connection.executemany(
        "INSERT INTO token_blocks VALUES (?, ?, ?, ?)", [(held.number, *each) for each in written]
    )
