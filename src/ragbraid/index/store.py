"""The database file: its connections and transactions, and what its errors mean in plain words."""

from __future__ import annotations

import errno
import os
import shutil
import sqlite3
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from sqlite3 import Connection
from urllib.parse import quote

from ragbraid.errors import IndexDamaged, IndexLocked, IndexStoreError
from ragbraid.index import filter_sql, schema
from ragbraid.index.place import demand_local

_IDLE = 8
_BUSY_SECONDS = 10
_ROOM = 1 << 20


class Store:
    """A small pool of connections to one database; any number of threads may read."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._file = folder / schema.DATABASE
        self._idle: list[Connection] = []
        self._lock = threading.Lock()
        self._made = self._written = False

    def exists(self) -> bool:
        """Whether anything was ever committed here.

        Raises `IndexMismatch` for somebody else's database or folder, and for a file, and `IndexStoreError`
        for a folder on a network file system.
        """
        if not self._written:
            self._look()
        return self._written

    def create(self) -> None:
        """Make folder and database where they aren't there; call it under the writer's lock."""
        if self._made or self._look():
            return
        with speaking(self.folder), self._connection(create=True) as connection:
            connection.execute("PRAGMA journal_mode = WAL")
            with _transaction(connection, "IMMEDIATE"):
                schema.create(connection)
            sync_folder(self.folder)
        self._made = True

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection inside a transaction that sees one committed state."""
        with speaking(self.folder), self._connection() as connection, _transaction(connection, "DEFERRED"):
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A connection inside a transaction that is on disk when this ends, or undone by an exception."""
        with speaking(self.folder), self._connection() as connection, _transaction(connection, "IMMEDIATE"):
            yield connection

    def backup(self, connection: Connection, target: Path) -> None:
        """Copy the state that `connection` sees into a new database file."""
        copy = sqlite3.connect(target)
        try:
            connection.backup(copy)
        finally:
            copy.close()

    def shrink(self) -> bool:
        """Write the database anew without what was deleted, so that its files hold no byte of that.

        False where a reader kept an older state for so long that this state's bytes had to stay.
        """
        with speaking(self.folder), self._connection() as connection:
            connection.execute("VACUUM")
            (busy, *_) = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            return not busy

    def close(self) -> None:
        """Close every idle connection."""
        with self._lock:
            idle, self._idle = self._idle, []
        for each in idle:
            each.close()

    def _look(self) -> bool:
        """Whether the tables are there; those of an older format are brought to the newest."""
        demand_local(self.folder)
        with speaking(self.folder):
            if self._file.is_file():
                found = self._format()
                if found is not None and found < schema.FORMAT:
                    from ragbraid.index.upgrading import upgrade

                    upgrade(self)
                    self._format()
            if not self._made:
                schema.demand_own_folder(self.folder)
        return self._made

    def _format(self) -> int | None:
        # Within one transaction: another process may be making the tables just now.
        with self._connection() as connection, _transaction(connection, "DEFERRED"):
            found = schema.made_format(connection, self.folder)
            self._made = found == schema.FORMAT
            self._written = self._made and schema.is_written(connection)
            return found

    @contextmanager
    def _connection(self, create: bool = False) -> Iterator[Connection]:
        with self._lock:
            connection = self._idle.pop() if self._idle else None
        connection = connection or self._open(create)
        try:
            yield connection
        except sqlite3.DatabaseError:
            connection.close()
            raise
        finally:
            self._put_back(connection)

    def _put_back(self, connection: Connection) -> None:
        with self._lock:
            if len(self._idle) < _IDLE:
                with suppress(sqlite3.ProgrammingError):
                    connection.total_changes  # noqa: B018 - raises where the connection is closed
                    self._idle.append(connection)
                return
        connection.close()

    def _open(self, create: bool) -> Connection:
        place = f"file:{quote(str(self._file.absolute()))}"
        try:
            return self._connected(f"{place}?mode={'rwc' if create else 'rw'}")
        except sqlite3.OperationalError:
            if create or os.access(self.folder, os.W_OK):
                raise
            # On read-only media a WAL database opens only as one that nobody can change.
            return self._connected(f"{place}?mode=ro&immutable=1")

    def _connected(self, uri: str) -> Connection:
        connection = sqlite3.connect(
            uri, uri=True, isolation_level=None, check_same_thread=False, timeout=_BUSY_SECONDS
        )
        try:
            for setting in (
                "synchronous = FULL",
                "fullfsync = ON",
                "trusted_schema = OFF",
                "mmap_size = 67108864",  # it counts as this process's memory
            ):
                connection.execute(f"PRAGMA {setting}")
            # Indexes over fields call SQL's JSON functions; a schema of ours does nothing beyond that.
            ours = "SELECT COUNT(*) = 0 FROM sqlite_master WHERE type IN ('view', 'trigger')"
            if connection.execute(ours).fetchone()[0]:
                connection.execute("PRAGMA trusted_schema = ON")
        except sqlite3.Error:
            connection.close()
            raise
        filter_sql.register(connection)
        return connection


@contextmanager
def _transaction(connection: Connection, mode: str) -> Iterator[None]:
    connection.execute(f"BEGIN {mode}")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        with suppress(sqlite3.Error):
            connection.execute("ROLLBACK")
        raise


@contextmanager
def speaking(folder: Path) -> Iterator[None]:
    """Turn what SQLite and the operating system say into sentences about the index in `folder`."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        raise _sentence(error, folder) from error
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise _full(folder) from error
        raise IndexStoreError(
            f"The index at {folder} can't be read or written: {error.strerror or error}.",
            "Check the folder's path, its permissions and the disk.",
        ) from error


def _sentence(error: sqlite3.DatabaseError, folder: Path) -> IndexStoreError:
    text = str(error)
    if "full" in text:
        return _full(folder)
    if "locked" in text:
        return IndexLocked(
            f"Another process is writing to the index at {folder}.", "Try again when it is done."
        )
    if "readonly" in text or "unable to open" in text:
        return IndexStoreError(
            f"The index at {folder} can't be opened for this ({text}).", "Check the folder's permissions."
        )
    if isinstance(error, sqlite3.OperationalError) and "disk I/O" in text:
        if _is_full(folder):  # SQLite needs some room for reading, too, and calls the lack of it this
            return IndexStoreError(
                f"The disk is full, and the index at {folder} can't be used without some room.",
                "Free some space and repeat the command; what was stored before is still there.",
            )
        return IndexStoreError(
            f"The disk failed while the index at {folder} was used ({text}).",
            "Check the disk, then try again; a change that was under way is there as a whole or not at all.",
        )
    return IndexDamaged(
        f"The database of the index at {folder} is damaged ({text}).",
        "Restore a snapshot, or remove the folder and ingest again.",
    )


def _is_full(folder: Path) -> bool:
    try:
        return shutil.disk_usage(folder).free < _ROOM
    except OSError:
        return False


def _full(folder: Path) -> IndexStoreError:
    return IndexStoreError(
        f"The disk is full: the change to the index at {folder} was undone.",
        "Free some space and repeat the command; what was stored before is still there.",
    )


def make_folder(path: Path) -> None:
    """Make a folder, and those above it that aren't there, so that their names survive a power cut."""
    missing = [each for each in (path, *path.parents) if not each.exists()]
    path.mkdir(parents=True, exist_ok=True)
    for each in missing:
        sync_folder(each.parent)


def sync_file(path: Path) -> None:
    """Make what was written into a file survive a power cut."""
    handle = os.open(path, os.O_RDWR)
    try:
        sync(handle)
    finally:
        os.close(handle)


def sync(handle: int) -> None:
    """Make what was written through this handle survive a power cut."""
    if sys.platform == "darwin":  # where fsync leaves it in the disk's own memory
        import fcntl

        fcntl.fcntl(handle, fcntl.F_FULLFSYNC)
    else:
        os.fsync(handle)


def sync_folder(folder: Path) -> None:
    """Make a new file's name survive a power cut, where the system lets folders be synced."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
