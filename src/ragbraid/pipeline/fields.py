"""A request's filter against the fields that a file declares: their names, and the types of their values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ragbraid.errors import FilterError
from ragbraid.index.comparisons import kind
from ragbraid.index.filter import Among, And, Compare, Node, Not, Or, check_fields, parse_filter
from ragbraid.types import Filter

ALWAYS: Mapping[str, str] = {"source": "str", "title": "str", "lang": "str"}
"""Fields that every document may have, declared or not."""

_KINDS = {"str": "string", "int": "number", "float": "number", "bool": "boolean", "date": "date"}


def check_filter(written: Filter, fields: Mapping[str, str]) -> None:
    """Raise `FilterError` for a malformed filter, and for what the declared fields, if any, rule out."""
    node = parse_filter(written)
    if fields:
        declared = {**ALWAYS, **fields}
        check_fields(node, declared)
        for path, value in _values(node):
            _check_value(path, value, declared.get(path, "str"))


def _values(node: Node) -> Iterable[tuple[str, Any]]:
    match node:
        case And(nodes) | Or(nodes):
            for each in nodes:
                yield from _values(each)
        case Not(inner):
            yield from _values(inner)
        case Among(path, values):
            for each in values:
                yield path, each
        case Compare(path, _, value):
            yield path, value


def _check_value(path: str, value: Any, declared: str) -> None:
    element = declared.removeprefix("list[").removesuffix("]")
    wanted = _KINDS[element]
    elements = value if isinstance(value, list) and declared != element else [value]
    for each in elements:
        if kind(each) not in (wanted, "null"):
            said = _as_written(each)
            hint = 'Write {"$date": "2024-01-31"}.' if wanted == "date" else f"Compare it with a {wanted}."
            raise FilterError(f"The field {path!r} is declared as {declared}, and {said!r} is none.", hint)


def _as_written(value: Any) -> Any:
    """A value in stored form as a filter has it: without the microseconds that a date is compared by."""
    if kind(value) == "date":
        return {"$date": value["$date"]}
    if isinstance(value, dict):
        return {key: _as_written(each) for key, each in value.items()}
    return [_as_written(each) for each in value] if isinstance(value, list) else value
