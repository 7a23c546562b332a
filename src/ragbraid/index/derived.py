"""What is derived from one collection's rows, and the one way in which it is brought up to date.

Every search compares the sequence number of what it is about to use with the database's, inside its own
read transaction, and replays the log where they differ: after a commit of its own, after another process's,
and after a crash alike.
"""

from __future__ import annotations

import json
import threading
import time
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from sqlite3 import Connection

from ragbraid.errors import IndexDamaged, IndexLocked, IndexStoreError
from ragbraid.index import reading, rows
from ragbraid.index.lexical import Lexical, LexicalView, UnreadableError, guarded
from ragbraid.index.lock import exclusive
from ragbraid.index.rows import Ints, Rows
from ragbraid.index.rows_file import RowsFile
from ragbraid.index.selection import selected
from ragbraid.index.sparse.impacts import Impacts
from ragbraid.text.counted import counted
from ragbraid.types import Filter

WAIT_SECONDS = 10.0
_PAUSE = 0.005
_FILTERS = 32
_BULK = 2000


class Derived:
    """The arrays and the lexical index of one collection, shared by threads."""

    def __init__(self, folder: Path, collection: int, uuid: str) -> None:
        self.collection = collection
        self._folder = folder
        self._lock = threading.Lock()
        self._rows: Rows | None = None
        self._file = RowsFile(folder, collection, uuid)
        self.impacts = Impacts(folder, collection, uuid)
        """Its sparse vectors, where it has any."""
        self._lexical = Lexical(folder / "lexical" / str(collection), uuid)
        self._allowed: OrderedDict[tuple[int, str], Ints] = OrderedDict()

    def rows(self, connection: Connection) -> Rows:
        """The rows at the state that the connection's transaction sees, which may be begun anew."""
        with self._lock:
            before = self._rows
            seq = rows.sequence(connection, self.collection)
            if before is not None and before.seq > seq:
                seq = self._renewed(connection)
            if before is None or before.seq > seq:
                before = self._file.read()
            if before is None or before.seq > seq:
                before = rows.load(connection, self.collection, seq)
            elif before.seq < seq:
                before = rows.advance(connection, self.collection, before, seq)
            self._rows = before
            return before

    def keep_rows(self, connection: Connection, anew: bool = False) -> None:
        """Write the rows into their file where much has changed since; the caller holds the writer's lock.

        With `anew` they are read from the database first: what is mapped may be what is damaged.
        """
        seq = rows.sequence(connection, self.collection)
        if anew:
            with self._lock:
                self._rows = None
        if anew or not self._file.serves(seq, rows.newest(connection)):
            with suppress(OSError):  # without it, opening takes longer
                self._file.write(self.rows(connection))

    def keep_impacts(self, connection: Connection) -> None:
        """Write the file of sparse vectors where many came since; the caller holds the writer's lock."""
        self.impacts.keep(connection, self.rows(connection))

    def has_damaged_rows(self) -> bool:
        """Whether the file of its rows isn't as it was written."""
        return self._file.is_damaged()

    def allowed(self, connection: Connection, seq: int, wanted: Filter) -> Ints:
        """The rows that a filter selects at this state, remembered for the next question."""
        key = (seq, json.dumps(wanted, default=str, sort_keys=True))
        with self._lock:
            if key in self._allowed:
                self._allowed.move_to_end(key)
                return self._allowed[key]
        found = selected(connection, self.collection, wanted)
        with self._lock:
            self._allowed[key] = found
            while len(self._allowed) > _FILTERS:
                self._allowed.popitem(last=False)
        return found

    def lexical(self, connection: Connection) -> LexicalView:
        """The lexical index at the state that the connection's transaction sees, which may be begun anew.

        Where it is behind and no writer is at work, it is brought up to date here; a writer that is at
        work is waited for. Raises `IndexLocked` after `WAIT_SECONDS`.
        """
        deadline = time.monotonic() + WAIT_SECONDS
        while True:
            view = self._current(connection)
            if view is not None:
                return view
            try:
                with exclusive(self._folder / "writer.lock", 0):
                    self._renewed(connection)
                    self.catch_up(connection)
            except IndexLocked:
                if time.monotonic() >= deadline:
                    raise
                time.sleep(_PAUSE)

    def catch_up(self, connection: Connection, anew: bool = False) -> None:
        """Replay the log into the lexical index; the caller holds the writer's lock."""
        with self._lock:
            seq = rows.sequence(connection, self.collection)
            if not anew:
                try:
                    self._lexical.refresh()
                    anew = self._lexical.seq > seq or not self._is_replayable(connection)
                except UnreadableError:
                    anew = True
            reason = ""
            for attempt in (self._rebuild,) if anew else (self._replay, self._replay_tidied, self._rebuild):
                try:
                    return attempt(connection, seq)
                except UnreadableError as error:
                    reason = str(error)
        raise IndexDamaged(
            f"The lexical index at {self._folder} can't be rebuilt ({reason}).", "Check the disk."
        )

    def make_beside(self, connection: Connection) -> None:
        """Make a lexical index of what the connection's transaction sees beside the present one.

        The caller holds the writer's lock; `take_over` puts it in place once the transaction is on disk.
        """
        seq = rows.sequence(connection, self.collection)
        with self._writing_lexical():
            self._lexical.make_beside(reading.passages(connection, self.collection, None), seq)

    def take_over(self, connection: Connection) -> None:
        """Use what `make_beside` made, and write the file of rows anew where there is one."""
        with self._lock:
            with self._writing_lexical():
                self._lexical.take_over()
            self._allowed.clear()
        self.keep_rows(connection, anew=self._file.path.exists())
        if self.impacts.exists():
            self.impacts.keep(connection, self.rows(connection), anew=True)

    @contextmanager
    def _writing_lexical(self) -> Iterator[None]:
        try:
            with guarded():
                yield
        except UnreadableError as error:
            raise IndexStoreError(
                f"The lexical index at {self._folder} couldn't be written ({error}).",
                "Check the disk, then try again; what was stored is still there.",
            ) from error

    def damage(self, connection: Connection) -> str:
        """What is wrong with the lexical index once it is up to date; empty where nothing is.

        The transaction is begun anew. Raises `IndexLocked` where a writer is at work for longer than
        `WAIT_SECONDS`.
        """
        with exclusive(self._folder / "writer.lock", WAIT_SECONDS):
            self._renewed(connection)
            try:
                # Before tantivy reads them: it may end the process over a length that is wrong.
                if what := self._lexical.damage():
                    return what
                self.catch_up(connection)
                return self._lexical.damage() or self._difference(connection)
            except UnreadableError as error:
                return str(error)

    def close(self) -> None:
        """Let go of every file and array."""
        with self._lock:
            self._lexical.close()
            self.impacts.close()
            self._rows = None
            self._allowed.clear()

    def _difference(self, connection: Connection) -> str:
        """How the lexical index differs from the rows; empty where it doesn't."""
        view = self._lexical.view
        held = set() if view is None else view.rows()
        found = connection.execute("SELECT row FROM chunks WHERE collection = ?", (self.collection,))
        wanted = {row for (row,) in found}
        return (
            f"it differs from the database in {counted(len(held ^ wanted), 'chunk')}"
            if held != wanted
            else ""
        )

    def _is_replayable(self, connection: Connection) -> bool:
        """Whether the log goes back to what the lexical index has applied, if it has applied anything."""
        since = self._lexical.seq
        return since < 0 or rows.is_logged(connection, self.collection, since)

    def _rebuild(self, connection: Connection, seq: int) -> None:
        self._lexical.clear()
        self._replay(connection, seq)

    def _replay_tidied(self, connection: Connection, seq: int) -> None:
        self._lexical.tidy()
        self._replay(connection, seq)

    def _replay(self, connection: Connection, seq: int) -> None:
        since = self._lexical.seq
        if since == seq:
            return
        if since < 0:
            self._lexical.apply([], reading.passages(connection, self.collection, None), seq, bulk=True)
            return
        found = connection.execute(
            "SELECT DISTINCT document FROM log WHERE collection = ? AND seq > ?", (self.collection, since)
        )
        touched = [document for (document,) in found]
        passages = list(reading.passages(connection, self.collection, touched))
        self._lexical.apply(touched, passages, seq, bulk=len(passages) > _BULK)

    def _current(self, connection: Connection) -> LexicalView | None:
        with self._lock:
            seq = rows.sequence(connection, self.collection)
            if self._lexical.seq != seq:
                try:
                    self._lexical.refresh()
                except UnreadableError:
                    return None
                if self._lexical.seq > seq:
                    seq = self._renewed(connection)
            return self._lexical.view if self._lexical.seq == seq else None

    def _renewed(self, connection: Connection) -> int:
        """Begin the read transaction anew, at the newest state; its sequence number."""
        connection.execute("ROLLBACK")
        connection.execute("BEGIN")
        return rows.sequence(connection, self.collection)
