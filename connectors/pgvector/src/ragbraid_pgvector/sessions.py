"""Connections to the database: lent to one thread at a time, and made again when they break."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar, cast

import psycopg
from psycopg import Connection, IsolationLevel

from ragbraid.secret import Secret
from ragbraid_pgvector import packing
from ragbraid_pgvector.failures import Address, speaking

T = TypeVar("T")
_KEPT = 8
_PAUSES = (0.0, 0.1)
"""Seconds to wait before each further try of a connection that broke, within the timeout."""
_WRITERS = "hashtextextended('ragbraid {s}', 0)"


class Session:
    """One connection, with the schema's name filled into its statements."""

    def __init__(self, connection: Connection[Any], schema: str, shown: str) -> None:
        self.connection, self.shown, self._schema = connection, shown, schema
        self.vector_type = 0
        self.find_vectors()

    def find_vectors(self) -> None:
        """Let statements name what the extension has, whatever schema it is in."""
        row = self.row(
            "SELECT extnamespace::regnamespace::text FROM pg_extension WHERE extname = 'vector'", ()
        )
        path = f"{row[0]}, pg_catalog" if row else "pg_catalog"
        self.run("SELECT set_config('search_path', %s, false)", (path,))
        self.vector_type = packing.register(self.connection) if row else 0

    def run(self, statement: str, parameters: Sequence[Any] = ()) -> int:
        """Execute a statement; returns how many rows it touched."""
        return self._cursor(statement, parameters).rowcount

    def rows(self, query: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """All rows of a query."""
        return cast("list[tuple[Any, ...]]", self._cursor(query, parameters).fetchall())

    def row(self, query: str, parameters: Sequence[Any]) -> tuple[Any, ...] | None:
        """The first row of a query; None where there is none."""
        return cast("tuple[Any, ...] | None", self._cursor(query, parameters).fetchone())

    def copy(self, table: str, types: Sequence[str | int], rows: Iterator[Sequence[Any]]) -> None:
        """Write rows into a table with its columns, by binary COPY."""
        statement = cast("Any", f"COPY {self._named(table)} FROM STDIN (FORMAT BINARY)")
        with self.connection.cursor() as cursor, cursor.copy(statement) as copy:
            copy.set_types(types)
            for each in rows:
                copy.write_row(each)

    def _cursor(self, statement: str, parameters: Sequence[Any]) -> psycopg.Cursor[Any]:
        return self.connection.execute(cast("Any", self._named(statement)), parameters or None, binary=True)

    def _named(self, statement: str) -> str:
        return statement.replace("{s}", f'"{self._schema}"')


class Sessions:
    """The connections of one index. Any number of threads may use it."""

    def __init__(self, url: Secret, schema: str, timeout: float) -> None:
        self._url, self._schema, self._timeout = url, schema, timeout
        self._made: Address | None = None
        self._idle: list[Session] = []
        self._lock = threading.Lock()

    @property
    def shown(self) -> str:
        """Where the database is, in words that give nothing away."""
        return self._address().shown

    def read(self, work: Callable[[Session], T]) -> T:
        """Work on one committed state. Where the connection breaks it is done again on a new one."""
        until = time.monotonic() + self._timeout
        with speaking(self._address()):
            for pause in _PAUSES:
                try:
                    return self._read(work)
                except psycopg.OperationalError as error:
                    if not _is_broken(error) or time.monotonic() + pause > until:
                        raise
                time.sleep(pause)
            return self._read(work)

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """The transaction of the one writer; committed when this returns."""
        with speaking(self._address()), self._lent(fresh=True) as session:
            connection = session.connection
            connection.read_only, connection.isolation_level = None, IsolationLevel.READ_COMMITTED
            with _closed_on_error(connection), connection.transaction():
                session.run("SET LOCAL statement_timeout = 0")
                session.run(f"SET LOCAL lock_timeout = {self._milliseconds}")
                session.run(f"SELECT pg_advisory_xact_lock({_WRITERS})")
                yield session

    def close(self) -> None:
        """Let go of every connection; what is asked next makes them again."""
        with self._lock:
            idle, self._idle = self._idle, []
        for each in idle:
            each.connection.close()

    def _read(self, work: Callable[[Session], T]) -> T:
        with self._lent() as session:
            connection = session.connection
            connection.read_only, connection.isolation_level = True, IsolationLevel.REPEATABLE_READ
            with connection.transaction():
                return work(session)

    @contextmanager
    def _lent(self, fresh: bool = False) -> Iterator[Session]:
        """A connection; a `fresh` one answered just now, for what can't be done twice."""
        with self._lock:
            session = self._idle.pop() if self._idle else None
        if session is not None and fresh and not _answers(session):
            session.connection.close()
            session = None
        session = session or self._connected()
        try:
            yield session
        finally:
            with self._lock:
                kept = not session.connection.closed and len(self._idle) < _KEPT
                if kept:
                    self._idle.append(session)
            if not kept:
                session.connection.close()

    def _connected(self) -> Session:
        address = self._address()
        seconds = max(2, math.ceil(min(self._timeout, 10)))  # libpq takes whole ones, and no fewer
        options = {"connect_timeout": seconds, "application_name": "ragbraid", **address.options}
        connection = psycopg.connect(**options, autocommit=True, prepare_threshold=None)
        try:
            connection.execute(cast("Any", f"SET statement_timeout = {self._milliseconds}"))
            connection.execute("SET client_encoding = 'UTF8'")
            return Session(connection, self._schema, address.shown)
        except BaseException:
            connection.close()
            raise

    @property
    def _milliseconds(self) -> int:
        return math.ceil(self._timeout * 1000)

    def _address(self) -> Address:
        if self._made is None:
            self._made = Address(self._url, self._schema)
        return self._made


@contextmanager
def _closed_on_error(connection: Connection[Any]) -> Iterator[None]:
    """Let go of a connection whose transaction failed: what it was told of the extension may be undone."""
    try:
        yield
    except BaseException:
        connection.close()
        raise


def _answers(session: Session) -> bool:
    try:
        session.connection.execute("SELECT 1")
    except psycopg.Error:
        return False
    return True


def _is_broken(error: psycopg.OperationalError) -> bool:
    """Whether the connection was lost, rather than a statement refused (class 57P is a shutdown)."""
    return error.sqlstate is None or error.sqlstate.startswith(("08", "57P"))
