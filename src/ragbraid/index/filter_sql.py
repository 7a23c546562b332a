"""Filters as SQL over stored metadata, exact or finished in Python.

SQLite's JSON functions can't decide everything as Python does. What they can't decide exactly is left open
(a superset), and the rows are then put to `ragbraid_holds`, the Python evaluator as an SQL function. Rows
that aren't plain (see `metadata.is_plain`) always go there.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from sqlite3 import Connection
from typing import Any

from ragbraid.index.comparisons import COMPARISONS, EMPTY, JSON_TYPES, comparable, kind
from ragbraid.index.filter import Among, Compare, Empty, Node, Present, Test, holds, parse_filter
from ragbraid.index.filter_compiler import FilterCompiler
from ragbraid.index.metadata import dump, is_plain
from ragbraid.types import Filter


@dataclass(frozen=True, slots=True)
class Where:
    """A condition with its parameters, over the columns `metadata`, `plain` and `source`."""

    sql: str
    parameters: tuple[Any, ...]


def register(connection: Connection) -> None:
    """Give a connection the SQL function that conditions use."""
    connection.create_function("ragbraid_holds", 3, _holds, deterministic=True)


def compile_filter(wanted: Filter, metadata: str, plain: str, source: str) -> Where:
    """The condition that selects what the filter does. Raises `FilterError`."""
    node = parse_filter(wanted)
    text = json.dumps(wanted, default=_json, ensure_ascii=False, sort_keys=True)
    compiler = _Compiler(metadata, source)
    sql, exact = compiler.compile(node)
    decide = f"ragbraid_holds(?, {metadata}, {source})"
    if not exact:
        return Where(f"(({plain} = 0 OR {sql}) AND {decide})", (*compiler.parameters, text))
    return Where(f"(CASE WHEN {plain} THEN {sql} ELSE {decide} END)", (*compiler.parameters, text))


def _json(value: Any) -> Any:
    return {"$date": value.isoformat()}


@lru_cache(maxsize=64)
def _parsed(text: str) -> Node:
    return parse_filter(json.loads(text))


def _holds(filter_text: str, metadata: str, source: str) -> bool:
    return holds(_parsed(filter_text), {"source": source, **json.loads(metadata)})


class _Compiler(FilterCompiler):
    always, never = "1", "0"

    def __init__(self, metadata: str, source: str) -> None:
        super().__init__()
        self._metadata, self._source = metadata, source

    def test(self, node: Test) -> tuple[str, bool]:
        match node:
            case Among(path, values) if sayable(path) and all(map(decidable, values)):
                return self._tested(path, lambda type_, value: self._equal(values, type_, value)), True
            case Compare(path, name, operand) if (
                sayable(path) and (relation := COMPARISONS[name].sql) and decidable(operand)
            ):
                return self._tested(path, lambda t, v: self._compared(relation, operand, t, v)), True
            case Present(path) if sayable(path):
                return f"({self._type(path)} IS NOT NULL)", True
            case Empty(path) if sayable(path):
                return self._empty(path), True
        return self.always, False

    def _tested(self, path: str, test: Any) -> str:
        """A test of the value or, where it is a list, of its elements."""
        place = f"{self._root(path)}, {self._place(path)}"
        elements = f"EXISTS (SELECT 1 FROM json_each({place}) AS e WHERE {test('e.type', 'e.value')})"
        value = f"IFNULL({test(self._type(path), f'json_extract({place})')}, 0)"
        return f"(CASE {self._type(path)} WHEN 'array' THEN {elements} ELSE {value} END)"

    def _equal(self, values: tuple[Any, ...], type_: str, value: str) -> str:
        tests = []
        for each in ("number", "string", "date"):
            if some := [comparable(v) for v in values if kind(v) == each]:
                self.parameters.append(dump(some))
                tests.append(_of_kind(each, "{value} IN (SELECT value FROM json_each(?))", type_, value))
        tests += [f"{type_} = '{dump(v)}'" for v in values if kind(v) in ("boolean", "null")]
        return f"({' OR '.join(f'IFNULL({each}, 0)' for each in tests) or '0'})"

    def _compared(self, relation: str, operand: Any, type_: str, value: str) -> str:
        self.parameters.append(comparable(operand))
        return _of_kind(kind(operand), relation, type_, value)

    def _empty(self, path: str) -> str:
        type_, value = self._type(path), f"json_extract({self._root(path)}, {self._place(path)})"
        cases = " ".join(f"WHEN '{each}' THEN {value} IS {_literal(none)}" for each, none in EMPTY)
        return f"(CASE {type_} {cases} ELSE {type_} IS NULL END)"

    def _type(self, path: str) -> str:
        return f"json_type({self._root(path)}, {self._place(path)})"

    def _root(self, path: str) -> str:
        if path == "source":
            return f"json_insert({self._metadata}, '$.source', {self._source})"
        return self._metadata

    def _place(self, path: str) -> str:
        whole = quoted(path)
        if "." not in path:
            return whole
        return (
            f"(CASE WHEN json_type({self._metadata}, {whole}) IS NOT NULL THEN {whole} "
            f"ELSE {quoted(*path.split('.'))} END)"
        )


def _of_kind(name: str, relation: str, type_: str, value: str) -> str:
    """A relation that holds for values of a kind alone."""
    if name == "date":  # only an object may be looked into
        moment = f"""json_extract({value}, '$."$us"')"""
        return f"(CASE WHEN {type_} = 'object' THEN {relation.format(value=moment)} END)"
    types = ", ".join(map(_literal, JSON_TYPES[name]))
    return f"({type_} IN ({types}) AND {relation.format(value=value)})"


def _literal(text: str | None) -> str:
    return "NULL" if text is None else f"'{text}'"


def quoted(*keys: str) -> str:
    """The place of a key, or of a key inside others, as an SQL text in the language of JSON paths."""
    path = "$" + "".join(f'."{key}"' for key in keys)
    return "'" + path.replace("'", "''") + "'"


def sayable(path: str) -> bool:
    """Whether SQLite finds this key: it compares keys as they are escaped in the text."""
    return dump(path) == f'"{path}"' and all(part and part[0] != "$" for part in path.split("."))


def decidable(value: Any) -> bool:
    """Whether SQL compares with this operand as Python does."""
    if isinstance(value, int):
        return -(2**63) <= value < 2**63
    return kind(value) not in ("list", "object") and is_plain(value)
