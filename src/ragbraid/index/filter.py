"""The filter language: JSON as users of Pinecone and Chroma write it, parsed and checked once.

A filter is an object: its fields must all hold. `{"year": 2020}` is `{"year": {"$eq": 2020}}`.

- `$eq $ne $in $nin`: typed equality; 1 equals 1.0, and neither "1" nor true.
- `$gt $gte $lt $lte`: numbers with numbers, strings with strings by code point, dates with dates.
- `$text`, `$itext`: the string contains this one, as written or regardless of case.
- `$any`, `$all`: a list holds one of these, or each of these.
- `$exists`: the key is there, be it null. `$empty`: it isn't, or is null, "", [] or {}.
- `$and`, `$or` (lists of filters), `$not` (a filter, or the operators of one field).
- `{"$date": "2024-01-31"}` is a date; so is a Python date or datetime.

A list satisfies a comparison when one of its elements does. A missing key equals nothing, so that `$ne`,
`$nin` and `$not` hold for it. `a.b` names the key "a.b" or, where there is none, b inside the object a.
`source` names the chunk's source where the metadata has no such key.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, TypeAlias

from ragbraid.errors import FilterError
from ragbraid.index.comparisons import COMPARISONS, comparable, kind
from ragbraid.index.metadata import encode, parse_date, stored_date
from ragbraid.text.near import nearest

MAX_DEPTH = 32
_LISTS = ("$in", "$nin", "$any", "$all")
_FIELD = ("$eq", "$ne", *COMPARISONS, *_LISTS, "$exists", "$empty", "$not")
_GROUP = ("$and", "$or", "$not")
_MISSING = object()


@dataclass(frozen=True, slots=True)
class And:
    """All of these hold."""

    nodes: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """One of these holds."""

    nodes: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """This doesn't hold."""

    node: Node


@dataclass(frozen=True, slots=True)
class Among:
    """The value, or an element of it, equals one of `values` (in stored form)."""

    path: str
    values: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Compare:
    """The value, or an element of it, stands in this relation, one of `COMPARISONS`."""

    path: str
    operator: str
    value: Any


@dataclass(frozen=True, slots=True)
class Present:
    """The key is there."""

    path: str


@dataclass(frozen=True, slots=True)
class Empty:
    """The key is missing, or its value is null or has no content."""

    path: str


Test: TypeAlias = Among | Compare | Present | Empty
"""Of one field."""
Node: TypeAlias = And | Or | Not | Test


def parse_filter(written: Any) -> Node:
    """Check a filter and make its tree. Raises `FilterError`, which says where in the filter."""
    return _filter(written, "filter", 0)


def check_fields(node: Node, fields: Mapping[str, str]) -> None:
    """Raise `FilterError` for a field that isn't declared, where any are; `source` always is."""
    match node:
        case And(nodes) | Or(nodes):
            for each in nodes:
                check_fields(each, fields)
        case Not(inner):
            check_fields(inner, fields)
        case _ if fields and node.path not in (*fields, "source"):
            near = nearest(node.path, (*fields, "source"), 0.5)
            hint = f"Did you mean {near!r}?" if near else f"Declared are {', '.join(fields)}."
            raise FilterError(f"The filter names the field {node.path!r}, which isn't declared.", hint)


def matches(written: Any, metadata: Mapping[str, Any]) -> bool:
    """Whether metadata satisfies a filter, as every index must see it."""
    return holds(parse_filter(written), json.loads(encode(metadata, "the record")))


def holds(node: Node, stored: Mapping[str, Any]) -> bool:
    """Whether metadata in stored form satisfies a parsed filter."""
    match node:
        case And(nodes):
            return all(holds(each, stored) for each in nodes)
        case Or(nodes):
            return any(holds(each, stored) for each in nodes)
        case Not(inner):
            return not holds(inner, stored)
        case Present(path):
            return _find(stored, path) is not _MISSING
        case Empty(path):
            value = _find(stored, path)
            return value is _MISSING or value is None or (isinstance(value, str | list | dict) and not value)
        case Among(path, values):
            return any(_same(each, value) for each in candidates(stored, path) for value in values)
        case Compare(path, name, value):
            return any(_stands(name, each, value) for each in candidates(stored, path))


def candidates(stored: Mapping[str, Any], path: str) -> list[Any]:
    """What a comparison at a path looks at: the value and, of a list, its elements; nothing where none is."""
    value = _find(stored, path)
    if value is _MISSING:
        return []
    return [value, *value] if isinstance(value, list) else [value]


def _find(stored: Mapping[str, Any], path: str) -> Any:
    if path in stored:
        return stored[path]
    value: Any = stored if "." in path else _MISSING
    for key in path.split("."):
        value = value.get(key, _MISSING) if isinstance(value, dict) and kind(value) == "object" else _MISSING
    return value


def _same(left: Any, right: Any) -> bool:
    if kind(left) != kind(right):
        return False
    match kind(left):
        case "list":
            return len(left) == len(right) and all(map(_same, left, right))
        case "object":
            return left.keys() == right.keys() and all(_same(left[key], right[key]) for key in left)
    return bool(comparable(left) == comparable(right))


def _stands(name: str, value: Any, operand: Any) -> bool:
    return kind(value) == kind(operand) and COMPARISONS[name].holds(comparable(value), comparable(operand))


def _filter(value: Any, where: str, depth: int) -> Node:
    if not isinstance(value, Mapping):
        raise FilterError(f"{where}: an object was expected, not {value!r}.", 'Write {"field": value}.')
    if depth > MAX_DEPTH:
        raise FilterError(f"{where}: the filter is nested more than {MAX_DEPTH} levels deep.")
    nodes = tuple(_clause(key, each, f"{where}.{key}", depth) for key, each in value.items())
    return nodes[0] if len(nodes) == 1 else And(nodes)


def _clause(key: Any, value: Any, where: str, depth: int) -> Node:
    if not isinstance(key, str) or not key:
        raise FilterError(f"{where}: {key!r} is no name of a field.")
    if key in ("$and", "$or"):
        if not isinstance(value, list | tuple):
            raise FilterError(f"{where}: {key} takes a list of filters, not {value!r}.")
        nodes = tuple(_filter(each, f"{where}[{i}]", depth + 1) for i, each in enumerate(value))
        return And(nodes) if key == "$and" else Or(nodes)
    if key == "$not":
        return Not(_filter(value, where, depth + 1))
    if key.startswith("$"):
        raise _unknown(key, _GROUP, where)
    return _field(key, value, where, depth)


def _field(path: str, value: Any, where: str, depth: int) -> Node:
    if not isinstance(value, Mapping) or value.keys() == {"$date"}:
        return Among(path, (_operand(value, where),))
    if not value:
        raise FilterError(
            f"{where}: an operator is missing.", f'Write for example {{"{path}": {{"$eq": 1}}}}.'
        )
    if depth > MAX_DEPTH:
        raise FilterError(f"{where}: the filter is nested more than {MAX_DEPTH} levels deep.")
    nodes = tuple(_test(path, key, each, f"{where}.{key}", depth) for key, each in value.items())
    return nodes[0] if len(nodes) == 1 else And(nodes)


def _test(path: str, name: Any, value: Any, where: str, depth: int) -> Node:
    if name not in _FIELD:
        raise _unknown(name, _FIELD, where)
    if name == "$not":
        if not isinstance(value, Mapping):
            raise FilterError(f"{where}: $not takes operators, not {value!r}.", "Use $ne for a value.")
        return Not(_field(path, value, where, depth + 1))
    if name in ("$exists", "$empty"):
        if not isinstance(value, bool):
            raise FilterError(f"{where}: {name} takes true or false, not {value!r}.")
        node = Present(path) if name == "$exists" else Empty(path)
        return node if value else Not(node)
    if name in _LISTS:
        return _among(path, name, value, where)
    operand = _operand(value, where)
    if name in ("$eq", "$ne"):
        return Among(path, (operand,)) if name == "$eq" else Not(Among(path, (operand,)))
    allowed = COMPARISONS[name].kinds
    if kind(operand) not in allowed:
        raise FilterError(f"{where}: {name} takes a {' or a '.join(allowed)}, not {value!r}.")
    return Compare(path, name, operand)


def _among(path: str, name: str, value: Any, where: str) -> Node:
    if not isinstance(value, list | tuple):
        raise FilterError(f"{where}: {name} takes a list, not {value!r}.")
    values = tuple(_operand(each, f"{where}[{i}]") for i, each in enumerate(value))
    if name == "$all":
        return And(tuple(Among(path, (each,)) for each in values))
    return Not(Among(path, values)) if name == "$nin" else Among(path, values)


def _operand(value: Any, where: str) -> Any:
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, str):
        if not value.isascii() and any("\ud800" <= each <= "\udfff" for each in value):
            raise FilterError(f"{where}: the text holds half a surrogate pair, which isn't a character.")
        return value
    if isinstance(value, float) and math.isfinite(value):
        return value
    if isinstance(value, date):
        return stored_date(value)
    if isinstance(value, list | tuple):
        return [_operand(each, f"{where}[{i}]") for i, each in enumerate(value)]
    if isinstance(value, Mapping) and value.keys() == {"$date"}:
        try:
            return stored_date(parse_date(value["$date"]))
        except ValueError:
            raise FilterError(f"{where}: {value['$date']!r} is no date.", "Write it as 2024-01-31.") from None
    if isinstance(value, Mapping) and all(isinstance(key, str) and key[:1] != "$" for key in value):
        return {key: _operand(each, f"{where}.{key}") for key, each in value.items()}
    raise FilterError(f"{where}: {value!r} can't be compared with metadata.")


def _unknown(name: Any, known: tuple[str, ...], where: str) -> FilterError:
    text = str(name) if str(name).startswith("$") else f"${name}"
    near = nearest(text, known, 0.5)
    hint = f"Did you mean {near}?" if near else f"There are {', '.join(known)}."
    return FilterError(f"{where}: {name!r} is no operator here.", hint)
