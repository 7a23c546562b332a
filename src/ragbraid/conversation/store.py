"""Conversations on disk: what was asked and answered, each user's apart from the others'.

One SQLite file in WAL mode with synchronous=FULL, as the index has it: when `add` returns the turn is on
disk, and a process that is killed leaves every turn that was acknowledged, and no half of one.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from ragbraid.errors import IndexStoreError, InputError
from ragbraid.types import Message

FILE = Path(".ragbraid") / "conversations.sqlite"
"""Where a pipeline's conversations are kept, from its file's folder."""
LONGEST_NAME = 200
"""Characters of a conversation's name."""
_APPLICATION_ID = 0x52614376
"""`PRAGMA application_id` of every such file: the bytes "RaCv"."""
_FORMAT = 1
_WAIT_SECONDS = 10.0
_SETTINGS = (
    "journal_mode = WAL",
    "synchronous = FULL",
    "fullfsync = ON",
    "foreign_keys = ON",
    "secure_delete = ON",  # what is deleted isn't left in the file
)
_TABLES = """
CREATE TABLE conversations (
  id INTEGER PRIMARY KEY, owner TEXT NOT NULL, name TEXT NOT NULL, changed REAL NOT NULL,
  UNIQUE (owner, name)
);
CREATE TABLE turns (
  conversation INTEGER NOT NULL REFERENCES conversations (id) ON DELETE CASCADE, number INTEGER NOT NULL,
  question TEXT NOT NULL, answer TEXT NOT NULL, asked REAL NOT NULL, PRIMARY KEY (conversation, number)
) WITHOUT ROWID;
"""


@dataclass(frozen=True, slots=True)
class Kept:
    """A conversation as a list shows it; `changed` is the time of its last turn, in seconds since 1970."""

    name: str
    turns: int
    changed: float


class Conversations:
    """The conversations in a file, by owner and name, for any number of threads and processes.

    An owner is whoever may see them: the id of a key, or empty for the one user of this machine. There is no
    call that reads across owners.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def add(self, owner: str, name: str, question: str, answer: str) -> int:
        """Add a turn, and the conversation where it is new; the turn's number, from 1, once it is on disk.

        Raises `InputError` for a name that can't be one, and `IndexStoreError` where it can't be stored.
        """
        demand_name(name)
        with self._connected(make=True) as connection, _written(connection):
            now = time.time()
            connection.execute(
                "INSERT INTO conversations (owner, name, changed) VALUES (?, ?, ?)"
                " ON CONFLICT (owner, name) DO UPDATE SET changed = excluded.changed",
                (owner, name, now),
            )
            found = self._find(connection, owner, name)
            last = "SELECT IFNULL(MAX(number), 0) FROM turns WHERE conversation = ?"
            number = int(connection.execute(last, (found,)).fetchone()[0]) + 1
            turn = (found, number, _text(question), _text(answer), now)
            connection.execute("INSERT INTO turns VALUES (?, ?, ?, ?, ?)", turn)
        return number

    def history(self, owner: str, name: str, last: int) -> list[Message]:
        """The last turns, at most so many, as messages from the oldest on; none where it isn't there."""
        with self._connected() as connection:
            if connection is None or (found := self._find(connection, owner, name)) is None:
                return []
            rows = connection.execute(
                "SELECT question, answer FROM turns WHERE conversation = ? ORDER BY number DESC LIMIT ?",
                (found, last),
            ).fetchall()
        pairs = ((Message("user", asked), Message("assistant", said)) for asked, said in reversed(rows))
        return [each for pair in pairs for each in pair]

    def kept(self, owner: str) -> list[Kept]:
        """The owner's conversations, the one that was last spoken in first."""
        with self._connected() as connection:
            if connection is None:
                return []
            rows = connection.execute(
                "SELECT name, (SELECT COUNT(*) FROM turns WHERE conversation = id), changed"
                " FROM conversations WHERE owner = ? ORDER BY changed DESC, name",
                (owner,),
            )
            return [Kept(*row) for row in rows]

    def delete(self, owner: str, name: str) -> bool:
        """Remove a conversation with all its turns; whether there was one."""
        with self._connected() as connection:
            if connection is None:
                return False
            with _written(connection):
                gone = connection.execute(
                    "DELETE FROM conversations WHERE owner = ? AND name = ?", (owner, name)
                )
                return gone.rowcount > 0

    def _find(self, connection: sqlite3.Connection, owner: str, name: str) -> int | None:
        query = "SELECT id FROM conversations WHERE owner = ? AND name = ?"
        row = connection.execute(query, (owner, name)).fetchone()
        return None if row is None else int(row[0])

    @contextmanager
    def _connected(self, *, make: bool = False) -> Iterator[sqlite3.Connection]:
        """A connection of this call's own, closed after it; None where there is no file and none is made."""
        if not make and not self._path.exists():
            yield None  # type: ignore[misc]  # every reader asks
            return
        try:
            if make:
                self._path.parent.mkdir(parents=True, exist_ok=True)
            opened = sqlite3.connect(self._path, timeout=_WAIT_SECONDS, isolation_level=None)
            with closing(opened) as connection:
                for setting in _SETTINGS:
                    connection.execute(f"PRAGMA {setting}")
                self._prepare(connection)
                yield connection
        except (sqlite3.Error, OSError) as error:
            raise IndexStoreError(
                f"The conversations in {self._path} can't be used: {error}.",
                "Look at the folder's rights and the room on its disk.",
            ) from error

    def _prepare(self, connection: sqlite3.Connection) -> None:
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        owner = connection.execute("PRAGMA application_id").fetchone()[0]
        if version == 0 and owner == 0:
            with _written(connection):
                if not connection.execute("PRAGMA user_version").fetchone()[0]:
                    for statement in filter(str.strip, _TABLES.split(";")):
                        connection.execute(statement)
                    connection.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
                    connection.execute(f"PRAGMA user_version = {_FORMAT}")
        elif owner != _APPLICATION_ID or version > _FORMAT:
            raise IndexStoreError(
                f"{self._path} holds no conversations that this version of ragbraid can read.",
                "Move it away, or install a newer ragbraid.",
            )


@contextmanager
def _written(connection: sqlite3.Connection) -> Iterator[None]:
    """One transaction: the lock is taken at once, so that no reader of it becomes a writer too late."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def demand_name(name: str) -> None:
    """Raise `InputError` for what can't be a conversation's name."""
    if not name.strip() or len(name) > LONGEST_NAME or not name.isprintable():
        raise InputError(
            f"A conversation's name is a line of at most {LONGEST_NAME} characters, not {name[:40]!r}."
        )


def _text(text: str) -> str:
    """Text that SQLite can store: half a surrogate pair is no character."""
    return text.encode("utf-8", "replace").decode()
