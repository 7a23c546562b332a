"""What a vector database has to do to hold an index: a few tables of rows, conditions, nearest vectors.

Everything else (transactions, filters, words, who may write) is made of this, once for all of them. A
connector is an `Engine` and a component that opens an `EngineIndex` over it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, TypeAlias

from ragbraid.types import Vectors

Table: TypeAlias = Literal["chunks", "documents", "spare"]
Kind: TypeAlias = Literal["name", "number", "names", "text"]

SCHEMA: Mapping[Table, Mapping[str, Kind]] = {
    "chunks": {
        "collection": "name", "commit": "number", "document": "number", "source": "name", "name": "name",
        "hash": "name", "fields": "names", "terms": "names", "length": "number", "repeated": "text",
        "data": "text",
    },
    "documents": {
        "collection": "name", "commit": "number", "document": "number", "kind": "name", "origin": "name",
        "source": "name", "part": "number", "data": "text",
    },
    "spare": {"hash": "name"},
}  # fmt: skip
"""The columns of each table beside `key`. Conditions name all but those of the kind `text`.

A `name` is of up to 32 characters of `0-9a-z`, so that no engine's syntax has anything to escape; `names` is
a list of them; a `number` is a signed integer of 64 bits; `text` is up to `LONGEST` characters of ASCII.
"""
VECTORS: tuple[Table, ...] = ("chunks", "spare")
"""The tables whose rows have a vector, where the index has an embedder."""
LONGEST = 60_000


@dataclass(frozen=True, slots=True)
class In:
    """The column is one of these or, being a list, has one of them."""

    column: str
    values: Sequence[str | int]


@dataclass(frozen=True, slots=True)
class NotIn:
    """The column isn't any of these or, being a list, has none of them."""

    column: str
    values: Sequence[str | int]


@dataclass(frozen=True, slots=True)
class Within:
    """The number lies between these, both included."""

    column: str
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Outside:
    """The number doesn't lie between these, both included."""

    column: str
    first: int
    last: int


Condition: TypeAlias = In | NotIn | Within | Outside


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a table: `key` is 32 hexadecimal digits; of a row that was read, only what was asked for."""

    key: str
    columns: Mapping[str, Any] = field(default_factory=dict)
    vector: Vectors | None = None
    """float32 of the index's dimensions."""


class AwayError(Exception):
    """The engine couldn't be reached, or was too busy; the same call may succeed later. Its text says why."""


class Engine(Protocol):
    """A vector database as an index uses it; any number of threads call it.

    Every call may be made again after one that failed. What `put`, `remove` and `swap` did is there for
    whoever asks after they returned. Raises `AwayError`, and `RagbraidError` for what no further try mends.
    """

    @property
    def shown(self) -> str:
        """Where it is, in words that give no secret away."""
        ...

    @property
    def most_hits(self) -> int:
        """The most rows that `nearest` gives."""
        ...

    def head(self) -> str | None:
        """What was last swapped in; None where there is no index. Writes nothing."""
        ...

    def create(self, dimensions: int | None) -> None:
        """Make what is missing of the tables, for vectors of so many dimensions."""
        ...

    def swap(self, expected: str | None, new: str) -> bool:
        """Let `head` be `new` if it is `expected`; whether it was. `new` is one that never was before."""
        ...

    def put(self, table: Table, rows: Sequence[Row]) -> None:
        """Write up to some hundred rows, each in the place of any with its key."""
        ...

    def remove(self, table: Table, where: Sequence[Condition]) -> None:
        """Remove the rows that all conditions hold for."""
        ...

    def rows(
        self, table: Table, where: Sequence[Condition], columns: Sequence[str], vector: bool = False
    ) -> Iterable[Row]:
        """All rows that all conditions hold for, in any order. `key` may be named in conditions."""
        ...

    def count(self, table: Table, where: Sequence[Condition]) -> int:
        """How many rows all conditions hold for, exactly."""
        ...

    def nearest(
        self, vector: Vectors, k: int, where: Sequence[Condition], columns: Sequence[str], exact: bool
    ) -> list[Row]:
        """The `k` chunks of the greatest inner product, with their vectors, in any order.

        With `exact` they are the nearest. Without, some nearer ones may be missing, or there may be fewer.
        """
        ...

    def close(self) -> None:
        """Let go of the connection. What is asked next makes it again."""
        ...
