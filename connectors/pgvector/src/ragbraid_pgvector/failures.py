"""What the database refuses, in sentences that hold no password."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote, quote_plus

import psycopg
from psycopg import errors
from psycopg.conninfo import conninfo_to_dict

from ragbraid.errors import IndexLocked, IndexMismatch, IndexStoreError, InputError
from ragbraid.secret import Secret


class Address:
    """Where the database is: `options` for psycopg; `shown` gives away neither user nor password."""

    def __init__(self, url: Secret, schema: str) -> None:
        try:
            self.options: dict[str, Any] = dict(conninfo_to_dict(url.reveal()))
        except psycopg.Error:
            raise InputError(
                "`url` isn't the URL of a PostgreSQL database.",
                "Write one as postgresql://user:password@host:5432/database.",
            ) from None
        host = self.options.get("host") or "localhost"
        port = f":{self.options['port']}" if "port" in self.options else ""
        self.shown = f"{host}{port}/{self.options.get('dbname', '')} (schema {schema})"
        secrets = [str(value) for key, value in self.options.items() if "pass" in key and value]
        hidden = {url.reveal(), *(form for each in secrets for form in (each, quote(each), quote_plus(each)))}
        self._hidden = sorted(filter(None, hidden), key=len, reverse=True)

    def told(self, error: psycopg.Error) -> str:
        """The database's own words in one line, without a secret."""
        message = error.diag.message_primary or str(error).partition("\n")[0] or type(error).__name__
        for each in self._hidden:
            message = message.replace(each, "***")
        return message.strip().rstrip(".")


@contextmanager
def speaking(address: Address) -> Iterator[None]:
    """Make ragbraid's errors of psycopg's."""
    try:
        yield
    except psycopg.Error as error:
        raise _sentence(error, address) from None


def _sentence(error: psycopg.Error, address: Address) -> Exception:
    where, said = f"The database at {address.shown}", address.told(error)
    match error:
        case errors.LockNotAvailable():
            return IndexLocked(
                f"{where} is being written to by someone else.", "Try again when that ingest is done."
            )
        case errors.QueryCanceled():
            return IndexStoreError(f"{where} took too long to answer.", "Ask again, or raise `timeout`.")
        case errors.ReadOnlySqlTransaction():
            return IndexStoreError(f"{where} can only be read.", "Write to its primary server.")
        case errors.InsufficientPrivilege():
            return IndexStoreError(
                f"{where} doesn't allow that: {said}.", "Have its owner grant the right, or do it for you."
            )
        case errors.UndefinedTable() | errors.UndefinedColumn() | errors.InvalidSchemaName():
            return IndexMismatch(
                f"{where} lacks a part of the index: {said}.",
                "Restore a backup, or remove the schema and ingest again.",
            )
        case errors.DiskFull() | errors.OutOfMemory() | errors.ProgramLimitExceeded():
            return IndexStoreError(f"{where} is out of room: {said}.", "What was stored is still there.")
        case errors.SerializationFailure() | errors.DeadlockDetected():
            return IndexLocked(f"{where} gave up for another writer: {said}.", "Try again.")
        case psycopg.DataError():
            return InputError(f"{where} can't store that: {said}.")
        case psycopg.OperationalError() | psycopg.InterfaceError():
            return IndexStoreError(
                f"{where} can't be reached: {said}.", "See whether it runs, and whether `url` is right."
            )
    return IndexStoreError(f"{where} failed: {said}.")
