"""SQL indexes over those fields of the metadata that filters are declared to use.

Each is an index over expressions (SQLite, "Indexes On Expressions"): collection, JSON type and value of a
field. SQLite itself keeps it up with every row. Rows that aren't plain (see `metadata.is_plain`) are in none
of them: they are few, and a filter is put to each.
"""

from __future__ import annotations

from collections.abc import Iterable
from sqlite3 import Connection

from ragbraid.index.filter_sql import quoted, sayable

_PREFIX = "field "
OTHERS = "not plain"
"""The index of the rows that aren't plain."""


def add(connection: Connection, fields: Iterable[str]) -> None:
    """Make the indexes that aren't there yet, inside the writer's transaction.

    A field whose name SQLite's JSON functions read otherwise than Python gets none, nor does one with a dot,
    which may be a key or a path: a filter on it reads every row.
    """
    for field in sorted(each for each in set(fields) - indexed(connection) if _fits(each)):
        connection.execute(f'CREATE INDEX IF NOT EXISTS "{OTHERS}" ON chunks (collection) WHERE plain = 0')
        connection.execute(
            f"CREATE INDEX {name(field)} ON chunks (collection, {type_of(field)}, {value_of(field)}) "
            "WHERE plain = 1"
        )


def indexed(connection: Connection) -> frozenset[str]:
    """The fields that have an index."""
    found = connection.execute("SELECT name FROM sqlite_master WHERE type = 'index' AND tbl_name = 'chunks'")
    return frozenset(each.removeprefix(_PREFIX) for (each,) in found if each.startswith(_PREFIX))


def name(field: str) -> str:
    """The name of a field's index, as SQL has it."""
    return f'"{_PREFIX}{field}"'


def type_of(field: str) -> str:
    """The expression for the JSON type of a field: NULL where a row has none."""
    return f"json_type(metadata, {quoted(field)})"


def value_of(field: str) -> str:
    """The expression for the value of a field: a date's microseconds, the JSON of a list or an object."""
    return f"IFNULL(json_extract(metadata, {quoted(field, '$us')}), json_extract(metadata, {quoted(field)}))"


def _fits(field: str) -> bool:
    return field != "source" and "." not in field and sayable(field)
