"""A query's rows through SQLAlchemy: read only, in batches, and without a word of the password."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, quote_plus

from ragbraid.errors import InputError, LoadError, MissingDependency, RagbraidError
from ragbraid.secret import Secret

if TYPE_CHECKING:
    from sqlalchemy import URL, Connection, Engine

_ROWS = 1000
_FORMS = "such as postgresql+psycopg://user:password@host/database or sqlite:///shop.db"
_SECONDS_TO_CONNECT = 15
_DRIVERS = {"psycopg": "psycopg[binary]", "MySQLdb": "mysqlclient", "psycopg2": "psycopg2-binary"}


@contextmanager
def rows(
    url: Secret, query: str, base: Path, name: str
) -> Iterator[tuple[Sequence[str], Iterator[dict[str, Any]]]]:
    """The columns of a query and its rows, of which a thousand at a time are in memory.

    `name` is what the query is called in errors. Raises `InputError` for a URL or query that is wrong,
    `LoadError` where the database can't be reached, `MissingDependency`.
    """
    try:
        import sqlalchemy
        from sqlalchemy.exc import DBAPIError, SQLAlchemyError
    except ImportError:
        raise MissingDependency(
            "Reading a database needs the package sqlalchemy.",
            "Install it with: pip install 'ragbraid[sql]'.",
        ) from None
    parsed = _parsed(url, base)
    where = _shown(parsed)

    def told(error: Exception) -> str:
        cause = getattr(error, "orig", None) or error
        return _without_secrets(" ".join(str(cause).split())[:300], parsed, url)

    engine = _engine(parsed)
    try:
        try:
            connection = engine.connect()
        except (SQLAlchemyError, OSError) as error:
            raise LoadError(
                f"The database {where} can't be reached: {told(error)}.",
                "Check `url`, and whether the server runs.",
            ) from None
        with connection:
            try:
                result = _reading(connection).exec_driver_sql(query)
                if not result.returns_rows:
                    raise InputError(f"The query of {name} gives no rows.", "Write a SELECT.")
                columns = tuple(result.keys())
                yield columns, (dict(zip(columns, row, strict=True)) for row in result)
            except RagbraidError:
                raise
            except DBAPIError as error:
                raise InputError(
                    f"The database {where} refuses the query of {name}: {told(error)}.", "Correct `query`."
                ) from None
            except (SQLAlchemyError, sqlalchemy.exc.InvalidRequestError) as error:
                raise LoadError(f"The query of {name} failed at {where}: {told(error)}.") from None
    finally:
        engine.dispose()


def _reading(connection: Connection) -> Connection:
    """The connection, with a cursor at the server, and where it can promise so for reading alone."""
    options: dict[str, Any] = {"stream_results": True, "yield_per": _ROWS, "no_parameters": True}
    if connection.dialect.name == "postgresql":
        options["postgresql_readonly"] = True
    return connection.execution_options(**options)


def _parsed(url: Secret, base: Path) -> URL:
    from sqlalchemy import make_url
    from sqlalchemy.exc import SQLAlchemyError

    try:
        parsed = make_url(url.reveal())
    except (SQLAlchemyError, ValueError):
        raise InputError("`url` isn't the URL of a database.", f"Write one {_FORMS}.") from None
    if parsed.drivername == "postgresql" and not _is_installed("psycopg2") and _is_installed("psycopg"):
        return parsed.set(drivername="postgresql+psycopg")
    return _file(parsed, base) if parsed.get_backend_name() == "sqlite" else parsed


def _file(parsed: URL, base: Path) -> URL:
    """A SQLite file opened for reading only; it must be there, for SQLite would make it."""
    database = parsed.database
    if not database or database == ":memory:" or database.startswith("file:"):
        return parsed
    path = os.path.join(base, os.path.expanduser(database))
    if not os.path.isfile(path):
        raise InputError(
            f"There is no database {database!r}.", "Its path counts from the pipeline file's folder."
        )
    return parsed.set(database=f"file:{quote(path)}", query={**parsed.query, "mode": "ro", "uri": "true"})


def _engine(parsed: URL) -> Engine:
    from sqlalchemy import create_engine
    from sqlalchemy.exc import ArgumentError, NoSuchModuleError
    from sqlalchemy.pool import NullPool

    server = parsed.get_backend_name() in ("postgresql", "mysql", "mariadb")
    options = {"connect_timeout": _SECONDS_TO_CONNECT} if server else {}
    try:
        return create_engine(parsed, poolclass=NullPool, connect_args=options, hide_parameters=True)
    except (ArgumentError, NoSuchModuleError):
        raise InputError(
            f"No database is of the kind {parsed.drivername!r}.", f"Write a URL {_FORMS}."
        ) from None
    except ImportError as error:
        package = (error.name or "").partition(".")[0]
        raise MissingDependency(
            f"The driver of {parsed.drivername} isn't installed: {package}.",
            f"Install it with: pip install '{_DRIVERS.get(package, package.lower())}'.",
        ) from None


def _shown(parsed: URL) -> str:
    """What may be shown of a URL: where the database is, and nothing of who reads it."""
    if parsed.get_backend_name() == "sqlite":
        return (parsed.database or "in memory").removeprefix("file:")
    place = parsed.host or str(parsed.query.get("host", "")) or "localhost"
    port = f":{parsed.port}" if parsed.port else ""
    return f"{parsed.get_backend_name()}://{place}{port}/{parsed.database or ''}"


def _without_secrets(message: str, parsed: URL, url: Secret) -> str:
    """A driver's own words without the URL, the password, and what stands behind its question mark."""
    hidden = {url.reveal(), parsed.render_as_string(hide_password=False)}
    secrets = [
        str(parsed.password or ""),
        *(str(each) for key, each in parsed.query.items() if "pass" in key),
    ]
    for secret in filter(None, secrets):
        hidden |= {secret, quote(secret), quote_plus(secret)}
    for each in sorted(hidden, key=len, reverse=True):
        message = message.replace(each, "***")
    return message.rstrip(".")


def _is_installed(module: str) -> bool:
    from importlib.util import find_spec

    return find_spec(module) is not None
