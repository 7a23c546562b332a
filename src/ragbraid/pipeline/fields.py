"""A request's filter against the fields that a file declares: their names, and the types of their values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ragbraid.errors import FilterError
from ragbraid.index.filter import (
    Among,
    And,
    Compare,
    Node,
    Not,
    Or,
    check_fields,
    kind,
    parse_filter,
)
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
            hint = 'Write {"$date": "2024-01-31"}.' if wanted == "date" else f"Compare it with a {wanted}."
            raise FilterError(f"The field {path!r} is declared as {declared}, and {each!r} is none.", hint)
