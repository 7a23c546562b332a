"""Metadata as it is stored: JSON that gives back exactly what was put in, or a refusal.

Dates are stored as `{"$date": ISO text, "$us": microseconds since 1970 in UTC}`; a date counts as its
midnight, and a time without a zone as UTC.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

from ragbraid.errors import InputError

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
MAX_DEPTH = 32


def encode(metadata: Mapping[str, Any], owner: str) -> str:
    """Metadata as JSON. Raises `InputError`, naming `owner`, for what can't be given back exactly."""
    return dump(_stored(metadata, owner, "", 0))


def dump(stored: Any) -> str:
    """The one way in which stored values become JSON text."""
    return json.dumps(stored, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def decode(text: str) -> dict[str, Any]:
    """The metadata that `encode` was given; tuples come back as lists."""
    return {key: _restored(value) for key, value in json.loads(text).items()}


def microseconds(value: date) -> int:
    """The instant of a date or time, comparable across both."""
    if not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day)
    if value.tzinfo is None:
        value = value.replace(tzinfo=UTC)
    return (value - _EPOCH) // _MICROSECOND


def parse_date(text: Any) -> date:
    """An ISO date or time. Raises `ValueError`."""
    if not isinstance(text, str):
        raise ValueError(f"{text!r} is no ISO date")
    return date.fromisoformat(text) if len(text) == 10 else datetime.fromisoformat(text)


def stored_date(value: date) -> dict[str, Any]:
    """A date or time in its stored form."""
    return {"$date": value.isoformat(), "$us": microseconds(value)}


def is_plain(stored: Any) -> bool:
    """Whether SQLite's JSON functions read these values exactly as Python does.

    They cut strings at U+0000, and may round a decimal of more than 15 digits differently.
    """
    if isinstance(stored, str):
        return "\0" not in stored
    if isinstance(stored, float):
        digits, _, exponent = repr(stored).lstrip("-").partition("e")
        return len(digits.replace(".", "")) <= 15 and abs(int(exponent or 0)) <= 22
    if isinstance(stored, dict):
        return all("\0" not in key and is_plain(value) for key, value in stored.items())
    return all(map(is_plain, stored)) if isinstance(stored, list) else True


def _stored(value: Any, owner: str, path: str, depth: int) -> Any:
    if depth > MAX_DEPTH:
        raise _refused(owner, path, f"is nested more than {MAX_DEPTH} levels deep")
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        if not -(2**63) <= value < 2**63:
            raise _refused(owner, path, f"holds {value}, an integer beyond 64 bits")
        return int(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise _refused(owner, path, f"holds {value}, which JSON can't hold")
        return float(value)
    if isinstance(value, str):
        return _text(value, owner, path)
    if isinstance(value, date):
        return stored_date(value)
    if isinstance(value, list | tuple):
        return [_stored(each, owner, f"{path}[{i}]", depth + 1) for i, each in enumerate(value)]
    if isinstance(value, Mapping):
        return _object(value, owner, path, depth)
    raise _refused(owner, path, f"holds a {type(value).__name__}")


def _object(value: Mapping[Any, Any], owner: str, path: str, depth: int) -> dict[str, Any]:
    if path and value.keys() == {"$date"}:
        try:
            return stored_date(parse_date(value["$date"]))
        except ValueError:
            raise _refused(owner, path, f"holds {value['$date']!r} as a date") from None
    result = {}
    for key, each in value.items():
        if not isinstance(key, str):
            raise _refused(owner, path, f"has the key {key!r}, which is no string")
        if key.startswith("$"):
            raise _refused(owner, path, f"has the key {key!r}; keys can't begin with a dollar")
        result[_text(key, owner, path)] = _stored(each, owner, f"{path}.{key}" if path else key, depth + 1)
    return result


def _text(value: str, owner: str, path: str) -> str:
    if not value.isascii() and any("\ud800" <= each <= "\udfff" for each in value):
        raise _refused(owner, path, "holds half a surrogate pair, which isn't a character")
    return str(value)


def _refused(owner: str, path: str, reason: str) -> InputError:
    where = f"The metadata of {owner}" + (f" at {path!r}" if path else "")
    return InputError(
        f"{where} {reason}.",
        "Use strings, 64-bit integers, finite floats, booleans, dates, lists and objects.",
    )


def _restored(value: Any) -> Any:
    if isinstance(value, dict):
        if "$date" in value:
            return parse_date(value["$date"])
        return {key: _restored(each) for key, each in value.items()}
    return [_restored(each) for each in value] if isinstance(value, list) else value
