"""The rows that a filter selects: by the indexes of fields as far as they go, else one by one."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from sqlite3 import Connection
from typing import Any, NamedTuple

import numpy as np

from ragbraid.index import field_index, reading
from ragbraid.index.comparisons import COMPARISONS, EMPTY, JSON_TYPES, comparable, kind
from ragbraid.index.field_index import type_of, value_of
from ragbraid.index.filter import Among, And, Compare, Empty, Node, Not, Or, Present, holds, parse_filter
from ragbraid.index.filter_sql import decidable
from ragbraid.index.rows import Ints
from ragbraid.types import Filter

_LISTS = 10_000
"""Where a field has more different lists than these, each row is read."""
_MOST = 100_000
"""So many rows are read one by one to decide what indexes leave open; where there are more, all are."""
_NONE: Ints = np.empty(0, np.int64)


class Found(NamedTuple):
    """Plain rows in ascending order, each once: where a filter holds, and unless `exact` others, too."""

    rows: Ints
    exact: bool


def selected(connection: Connection, collection: int, wanted: Filter) -> Ints:
    """The rows that a filter selects, in ascending order. Raises `FilterError`."""
    node, fields = parse_filter(wanted), field_index.indexed(connection)
    found = _Fields(connection, collection, fields).selected(node) if fields else None
    if found is None or not (found.exact or len(found.rows) <= _MOST):
        return np.array(reading.rows_in_scope(connection, collection, wanted), np.int64)
    others = connection.execute(
        f'SELECT row FROM chunks INDEXED BY "{field_index.OTHERS}" WHERE collection = ? AND plain = 0',
        (collection,),
    )
    doubtful = [row for (row,) in others]
    if not found.exact:
        doubtful += found.rows.tolist()
    decided = reading.rows_in_scope(connection, collection, wanted, doubtful) if doubtful else []
    return _union([*([found.rows] if found.exact else []), np.array(decided, np.int64)])


class _Fields:
    """Answers filters by the indexes alone."""

    def __init__(self, connection: Connection, collection: int, fields: frozenset[str]) -> None:
        self._connection, self._collection, self._fields = connection, collection, fields

    def selected(self, node: Node) -> Found | None:
        """The plain rows for which it holds; None where the indexes say nothing of it."""
        match node:
            case And(nodes):
                return self._all(nodes)
            case Or(nodes):
                parts = [self.selected(each) for each in nodes]
                known = [each for each in parts if each is not None]
                if len(known) < len(parts):
                    return None
                return Found(_union([each.rows for each in known]), all(each.exact for each in known))
            case Not(inner):
                found = self.selected(inner)
                return Found(_without(self._every(), found.rows), True) if found and found.exact else None
            case _ if node.path in self._fields:
                return self._leaf(node)
        return None

    def _all(self, nodes: Sequence[Node]) -> Found | None:
        parts = [self.selected(each) for each in nodes]
        known = sorted((each for each in parts if each is not None), key=lambda each: len(each.rows))
        if not known:
            return None
        rows = known[0].rows
        for each in known[1:]:
            rows = rows[_held(rows, each.rows)]
        return Found(rows, len(known) == len(parts) and all(each.exact for each in known))

    def _leaf(self, node: Among | Compare | Present | Empty) -> Found | None:
        match node:
            case Among(path, values) if all(map(decidable, values)):
                parts = self._equal(path, values)
            case Compare(path, name, operand) if (relation := COMPARISONS[name].sql) and decidable(operand):
                parts = self._compared(path, relation, operand)
            case Present(path):
                return Found(self._rows(path, f"{type_of(path)} IS NOT NULL"), True)
            case Empty(path):
                empty = f"{type_of(path)} = ? AND {value_of(path)} IS ?"
                parts = [self._rows(path, empty, *each) for each in EMPTY]
                return Found(_union([self._rows(path, f"{type_of(path)} IS NULL"), *parts]), True)
            case _:
                return None
        lists = self._lists(node)
        return None if lists is None else Found(_union([*parts, *lists]), True)

    def _equal(self, path: str, values: Iterable[Any]) -> list[Ints]:
        parts = []
        for each in values:
            if kind(each) in ("null", "boolean"):  # whose type is their value
                parts.append(self._rows(path, f"{type_of(path)} = ?", json.dumps(each)))
            else:
                parts += self._compared(path, "{value} = ?", each)
        return parts

    def _compared(self, path: str, relation: str, operand: Any) -> list[Ints]:
        condition = f"{type_of(path)} = ? AND {relation.format(value=value_of(path))}"
        if kind(operand) == "date":
            # Beside dates, objects have a text for a value, which SQL takes to be greater than any number.
            condition += f" AND {value_of(path)} < ''"
        return [
            self._rows(path, condition, type_, comparable(operand)) for type_ in JSON_TYPES[kind(operand)]
        ]

    def _lists(self, node: Among | Compare) -> list[Ints] | None:
        """The rows whose list satisfies a comparison, list by list; None where too many are different."""
        path, last = node.path, ""
        parts: list[Ints] = []
        for _ in range(_LISTS):
            following = self._connection.execute(
                f"SELECT {value_of(path)} {self._from(path)} AND {type_of(path)} = 'array' "
                f"AND {value_of(path)} > ? ORDER BY {value_of(path)} LIMIT 1",
                (self._collection, last),
            ).fetchone()
            if following is None:
                return parts
            (last,) = following
            if holds(node, {path: json.loads(last)}):
                parts.append(self._rows(path, f"{type_of(path)} = 'array' AND {value_of(path)} = ?", last))
        return None

    def _every(self) -> Ints:
        return self._rows(min(self._fields), "1")

    def _rows(self, path: str, condition: str, *parameters: Any) -> Ints:
        # As one text: a tuple for each row takes three times as long.
        (found,) = self._connection.execute(
            f"SELECT group_concat(row) {self._from(path)} AND {condition}", (self._collection, *parameters)
        ).fetchone()
        return _NONE if found is None else np.sort(np.fromstring(found, np.int64, sep=","))

    def _from(self, path: str) -> str:
        return f"FROM chunks INDEXED BY {field_index.name(path)} WHERE collection = ? AND plain = 1"


def _union(parts: Sequence[Ints]) -> Ints:
    filled = [each for each in parts if len(each)]
    if len(filled) < 2:
        return filled[0] if filled else _NONE
    return np.unique(np.concatenate(filled))


def _held(rows: Ints, others: Ints) -> Any:
    """Which of these rows are among the others."""
    if not len(others):
        return np.zeros(len(rows), bool)
    places = np.minimum(np.searchsorted(others, rows), len(others) - 1)
    return others[places] == rows


def _without(rows: Ints, others: Ints) -> Ints:
    kept: Ints = rows[~_held(rows, others)]
    return kept
