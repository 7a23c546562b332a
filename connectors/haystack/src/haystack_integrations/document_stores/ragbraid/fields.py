"""What the meta of documents holds: the fields, their types and values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

_TYPES = {bool: "boolean", int: "integer", float: "float", str: "keyword", list: "list", dict: "object"}


def values(found: Iterable[Mapping[str, Any]], field: str) -> list[Any]:
    """A field's values, of those that have one; those of a list one by one."""
    name = field.removeprefix("meta.")
    held: list[Any] = []
    for each in found:
        value = each.get(name)
        if value is not None:
            held += value if isinstance(value, list) else [value]
    return held


def unique(held: Iterable[Any]) -> list[Any]:
    """The different values in order: numbers by size, else as text. 1, 1.0, "1" and True are four."""
    told = {(type(each).__name__, repr(each)): each for each in held}
    return sorted(told.values(), key=_order)


def ends(held: Iterable[Any]) -> dict[str, Any]:
    """The least and the largest of the values that can be compared: numbers, or else texts, or dates."""
    every = list(held)
    for kind in ((int, float), (date,), (str,)):
        some = [each for each in every if isinstance(each, kind) and not isinstance(each, bool)]
        if some:
            ordered = sorted(some, key=_order)
            return {"min": ordered[0], "max": ordered[-1]}
    return {"min": None, "max": None}


def info(found: Iterable[Mapping[str, Any]]) -> dict[str, dict[str, str]]:
    """Each field's type; `mixed` where it has several."""
    seen: dict[str, set[str]] = {}
    for each in found:
        for name, value in each.items():
            if value is not None:
                kind = "date" if isinstance(value, date) else _TYPES.get(type(value), type(value).__name__)
                seen.setdefault(name, set()).add(kind)
    return {name: {"type": min(kinds) if len(kinds) == 1 else "mixed"} for name, kinds in seen.items()}


def _order(value: Any) -> tuple[int, float, str]:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return (0, float(value), type(value).__name__)
    return (1, 0.0, value.isoformat() if isinstance(value, date) else str(value))
