"""The comparisons of the filter language: for each what it takes, and what it is in Python and in SQL."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Comparison:
    """A relation between a stored value and an operand of the same kind.

    `sql` is the same relation between `{value}` and a parameter; None where SQLite would decide otherwise.
    """

    kinds: tuple[str, ...]
    holds: Callable[[Any, Any], bool]
    sql: str | None


_ORDERED = ("number", "string", "date")
COMPARISONS: Mapping[str, Comparison] = {
    "$gt": Comparison(_ORDERED, operator.gt, "{value} > ?"),
    "$gte": Comparison(_ORDERED, operator.ge, "{value} >= ?"),
    "$lt": Comparison(_ORDERED, operator.lt, "{value} < ?"),
    "$lte": Comparison(_ORDERED, operator.le, "{value} <= ?"),
    "$text": Comparison(("string",), operator.contains, "instr({value}, ?) > 0"),
    "$itext": Comparison(("string",), lambda value, part: part.casefold() in value.casefold(), None),
}

JSON_TYPES: Mapping[str, tuple[str, ...]] = {
    "number": ("integer", "real"),
    "string": ("text",),
    "date": ("object",),
}
"""What SQLite's `json_type` says of values of a kind."""
EMPTY: tuple[tuple[str, str | None], ...] = (("null", None), ("text", ""), ("array", "[]"), ("object", "{}"))
"""Type and value, as SQLite extracts it, of what has no content."""


def kind(value: Any) -> str:
    """The type that a stored value has for comparisons: types are kept apart."""
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    if isinstance(value, str):
        return "string"
    if isinstance(value, dict):
        return "date" if "$us" in value else "object"
    return "null" if value is None else "list"


def comparable(value: Any) -> Any:
    """What a stored value is compared by: a date's microseconds, else itself."""
    return value["$us"] if kind(value) == "date" else value
