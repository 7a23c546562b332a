"""Whose vectors an index holds: a set for each embedder, in a file of its own.

All sets share the numbering of slots: the vectors in one slot are of one text, whoever embedded it. So a
chunk refers to its vector in every set at once, and which set is the current one is a matter of two rows.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from pathlib import Path
from sqlite3 import Connection
from typing import TYPE_CHECKING, Literal, TypeAlias

from ragbraid.index import schema

if TYPE_CHECKING:
    from ragbraid.index.vector_file import VectorFile

Role: TypeAlias = Literal["current", "next", "former"]
"""What ingests write to; what a migration is filling; what was current before and is still searched."""

Block: TypeAlias = tuple[int, int, int]
"""First slot, count and CRC-32 of the bytes of a block of vectors."""

_COLUMNS = "id, embedder, dimensions, file, role"


@dataclass(frozen=True, slots=True)
class VectorSet:
    """The vectors that the embedder of this identity made."""

    number: int
    embedder: str
    dimensions: int
    file: int
    """The number in its file's name. A set that is written anew gets another, and none is given twice."""
    role: Role

    @property
    def name(self) -> str:
        """Its file in the index's folder."""
        return f"vectors{_suffix(self.file)}.f32"

    @property
    def structure(self) -> str:
        """The folder of the FAISS structure over it."""
        return f"dense{_suffix(self.file)}"

    @property
    def tokens(self) -> str:
        """The file of the token vectors beside it, where there are some."""
        return f"tokens{_suffix(self.file)}.i8"

    def opened(self, connection: Connection, folder: Path) -> VectorFile:
        """Its file in the index that the connection reads."""
        from ragbraid.index.vector_file import VectorFile

        (uuid,) = connection.execute("SELECT value FROM meta WHERE key = 'uuid'").fetchone()
        return VectorFile(folder / self.name, uuid, self.dimensions)


def every(connection: Connection) -> list[VectorSet]:
    """All sets, in the order in which they were begun."""
    found = connection.execute(f"SELECT {_COLUMNS} FROM vector_sets ORDER BY id")
    return [VectorSet(*each) for each in found]


def current(connection: Connection) -> VectorSet | None:
    """The set that ingests write to; None where no vector was ever stored."""
    return next((each for each in every(connection) if each.role == "current"), None)


def made_by(connection: Connection, embedder: str) -> VectorSet | None:
    """The set of the embedder with this identity."""
    return next((each for each in every(connection) if each.embedder == embedder), None)


def begin(connection: Connection, embedder: str, dimensions: int, role: Role) -> VectorSet:
    """A new, empty set."""
    connection.execute(
        "INSERT INTO vector_sets (embedder, dimensions, file, role) VALUES (?, ?, ?, ?)",
        (embedder, dimensions, new_file(connection), role),
    )
    return next(each for each in every(connection) if each.embedder == embedder)


def forget(connection: Connection, held: VectorSet) -> None:
    """Take a set out of the index; its file stays until it is tidied up."""
    tables = ["vector_blocks", *(schema.TOKEN_TABLES if schema.has_tokens(connection) else ())]
    for table in tables:
        connection.execute(f"DELETE FROM {table} WHERE vector_set = ?", (held.number,))
    connection.execute("DELETE FROM vector_sets WHERE id = ?", (held.number,))


def switch(connection: Connection, to: VectorSet) -> None:
    """Let ingests write to this set; the one before is searched by those who still ask for it."""
    connection.execute("UPDATE vector_sets SET role = 'former' WHERE role = 'current'")
    connection.execute("UPDATE vector_sets SET role = 'current' WHERE id = ?", (to.number,))


def replace_file(connection: Connection, held: VectorSet, blocks: list[Block]) -> None:
    """Let a set be what is in its new file: these blocks."""
    connection.execute("UPDATE vector_sets SET file = ? WHERE id = ?", (held.file, held.number))
    connection.execute("DELETE FROM vector_blocks WHERE vector_set = ?", (held.number,))
    add_blocks(connection, held.number, blocks)


def new_file(connection: Connection) -> int:
    """A number for a file's name that none had before."""
    connection.execute("INSERT OR IGNORE INTO meta VALUES ('files', '0')")
    found = connection.execute("UPDATE meta SET value = value + 1 WHERE key = 'files' RETURNING value")
    return int(found.fetchone()[0])


def end(connection: Connection, number: int) -> int:
    """The slot after the last one of a set."""
    query = "SELECT IFNULL(MAX(first + count), 0) FROM vector_blocks WHERE vector_set = ?"
    return int(connection.execute(query, (number,)).fetchone()[0])


def beyond(connection: Connection, held: VectorSet) -> int:
    """How many chunks have their vector in other sets alone."""
    mine, newest = end(connection, held.number), current(connection)
    if newest is None or end(connection, newest.number) <= mine:
        return 0
    query = "SELECT COUNT(*) FROM chunks WHERE slot >= ? AND collection IN (SELECT id FROM collections)"
    return int(connection.execute(query, (mine,)).fetchone()[0])


def add_blocks(connection: Connection, number: int, blocks: list[Block]) -> None:
    """Note blocks that were written to a set's file."""
    connection.executemany(
        "INSERT INTO vector_blocks VALUES (?, ?, ?, ?)", [(number, *each) for each in blocks]
    )


def sound_blocks(connection: Connection, number: int, last_only: bool = False) -> list[Block]:
    """The blocks of a set that aren't known to be lost."""
    order = "DESC LIMIT 1" if last_only else ""
    return connection.execute(
        "SELECT first, count, crc FROM vector_blocks WHERE vector_set = ? AND crc IS NOT NULL "
        f"ORDER BY first {order}",
        (number,),
    ).fetchall()


def blocks_sum(connection: Connection, number: int, end: int) -> int:
    """A sum over the sums of a set's blocks below the slot `end`: it differs where any of them does."""
    found = connection.execute(
        "SELECT first, count, crc FROM vector_blocks WHERE vector_set = ? AND first + count <= ? "
        "ORDER BY first",
        (number, end),
    )
    return zlib.crc32(repr(found.fetchall()).encode())


def _suffix(file: int) -> str:
    return "" if file == 1 else f"-{file}"
