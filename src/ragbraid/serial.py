"""Results as JSON: what commands print and servers send."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from datetime import date, datetime
from enum import Enum
from functools import cache
from typing import Any

from ragbraid.errors import PipelineFileError, RagbraidError
from ragbraid.types import Answer, Span

_PLAIN = frozenset({str, int, float, bool, type(None)})
SCHEMA = 1
"""The version of an answer's JSON; it changes when a reader would have to."""


def to_json(value: Any) -> Any:
    """A result as values that `json.dumps` writes. An `Answer` carries `schema`."""
    if type(value) in _PLAIN:
        return value
    if isinstance(value, Answer):
        return {"schema": SCHEMA, **_fields(value)}
    if hasattr(value, "to_json"):
        return value.to_json()
    if isinstance(value, RagbraidError):
        return {
            "error": _public_name(type(value)), "message": value.message, "hint": value.hint,
            **({"problems": to_json(value.diagnostics)} if isinstance(value, PipelineFileError) else {}),
        }  # fmt: skip
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return _fields(value)
    if isinstance(value, Mapping):
        return {str(key): to_json(each) for key, each in value.items()}
    if isinstance(value, Span):
        return {name: to_json(each) for name, each in value._asdict().items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [to_json(each) for each in value]
    if isinstance(value, datetime | date):
        return {"$date": value.isoformat()}
    if isinstance(value, Enum):
        return value.value
    if value is None or isinstance(value, str | bool | int | float):
        return value
    if hasattr(value, "item") and callable(value.item):  # a number of numpy's
        return value.item()
    return str(value)


def _fields(value: Any) -> dict[str, Any]:
    return {name: to_json(getattr(value, name)) for name in _names(value.__class__)}


@cache
def _names(kind: type) -> tuple[str, ...]:
    return tuple(each.name for each in dataclasses.fields(kind))


def _public_name(error: type) -> str:
    """The class of `ragbraid.errors` that it is one of, or a plug-in's own."""
    ours = [each for each in error.__mro__ if each.__module__ == RagbraidError.__module__]
    return (ours[0] if error.__module__.startswith("ragbraid.") and ours else error).__name__
