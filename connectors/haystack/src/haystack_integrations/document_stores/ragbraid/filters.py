"""Haystack's filters in ragbraid's filter language."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from haystack.errors import FilterError

_ORDER = {">": "$gt", ">=": "$gte", "<": "$lt", "<=": "$lte"}
_NEVER: dict[str, Any] = {"$or": []}
_LOGIC = ("AND", "OR", "NOT")
_COMPARISONS = ("==", "!=", *_ORDER, "in", "not in")


def translated(filters: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """The same condition for ragbraid; None for no filter, or an empty one.

    A field that holds a list meets a comparison where one of its elements does. Dates are compared as dates,
    whether they are stored as such or as ISO text. Raises `FilterError` for what is malformed.
    """
    return _condition(filters) if filters else None


def _condition(given: Any) -> dict[str, Any]:
    if not isinstance(given, Mapping):
        raise FilterError(f"A filter is a dictionary, not {given!r}.")
    if "field" in given:
        return _comparison(given)
    operator, conditions = _wanted(given, "operator"), _wanted(given, "conditions")
    if operator not in _LOGIC:
        raise FilterError(f"{operator!r} is no logical operator. There are {', '.join(_LOGIC)}.")
    if not isinstance(conditions, list | tuple):
        raise FilterError(f"'conditions' is a list of filters, not {conditions!r}.")
    parts = [_condition(each) for each in conditions]
    if operator == "NOT":
        return {"$not": {"$and": parts}}
    return {"$and" if operator == "AND" else "$or": parts}


def _comparison(given: Mapping[str, Any]) -> dict[str, Any]:
    path, operator, value = _path(given["field"]), _wanted(given, "operator"), _wanted(given, "value")
    if operator not in _COMPARISONS:
        raise FilterError(f"{operator!r} is no comparison. There are {', '.join(_COMPARISONS)}.")
    if operator in _ORDER:
        return _ordered(path, operator, value)
    if operator in ("==", "!="):
        same = _one_of(path, [value])
        return same if operator == "==" else {"$not": same}
    if not isinstance(value, list):
        raise FilterError(f"{operator!r} takes a list, not {value!r}.")
    among = _one_of(path, value)
    return among if operator == "in" else {"$not": among}


def _one_of(path: str, values: list[Any]) -> dict[str, Any]:
    """The field is one of these; a missing one is None, and a date its ISO text."""
    both = [*values, *({"$date": each} for each in values if _is_date(each))]
    among: dict[str, Any] = {path: {"$in": both}}
    return {"$or": [among, {path: {"$exists": False}}]} if None in values else among


def _ordered(path: str, operator: str, value: Any) -> dict[str, Any]:
    if value is None:
        return _NEVER
    if isinstance(value, str):
        if not _is_date(value):
            raise FilterError(
                f"{operator!r} compares numbers and dates; {value!r} is neither, nor an ISO date."
            )
        return {"$or": [{path: {_ORDER[operator]: each}} for each in (value, {"$date": value})]}
    if isinstance(value, bool) or not isinstance(value, int | float | date | datetime):
        raise FilterError(f"{operator!r} compares numbers and dates, not a {type(value).__name__}.")
    return {path: {_ORDER[operator]: value}}


def _path(field: Any) -> str:
    if field == "id":
        return "ragbraid-record.id"
    if not isinstance(field, str) or not field or field == "meta.":
        raise FilterError(f"A filter's field is a name such as 'meta.year', not {field!r}.")
    if field in ("content", "blob", "score", "embedding", "sparse_embedding"):
        raise FilterError(f"Documents are filtered by their id and meta, not by {field!r}.")
    return field.removeprefix("meta.")


def _wanted(given: Mapping[str, Any], key: str) -> Any:
    if key not in given:
        raise FilterError(f"The filter {dict(given)!r} lacks the key {key!r}.")
    return given[key]


def _is_date(value: Any) -> bool:
    if not isinstance(value, str) or len(value) < 10:
        return False
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return False
    return True
