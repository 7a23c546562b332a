"""Metadata that is text where the pipeline's `fields` declare something else becomes what they declare."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from ragbraid.index.metadata import parse_date
from ragbraid.types import Document

_BOOLEANS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


def typed(document: Document, fields: Mapping[str, str]) -> Document:
    """The document with its metadata in the declared types; what doesn't fit stays text, with a warning."""
    changes: dict[str, Any] = {}
    warnings: list[str] = []
    for name in fields.keys() & document.metadata.keys():
        value = document.metadata[name]
        if fields[name] == "str" and isinstance(value, int | float):
            changes[name] = str(value).lower() if isinstance(value, bool) else str(value)
        elif isinstance(value, str) and (read := _READERS.get(fields[name])) is not None:
            try:
                changes[name] = read(value.strip())
            except (ValueError, KeyError):
                warnings.append(f"the field {name!r} is declared as {fields[name]}, and not all there is one")
        elif fields[name] == "int" and isinstance(value, float) and value.is_integer():
            changes[name] = int(value)
    if not changes and not warnings:
        return document
    metadata = {**document.metadata, **changes}
    return dataclasses.replace(document, metadata=metadata, warnings=(*document.warnings, *sorted(warnings)))


def _int(text: str) -> int:
    number = int(text)
    if not -(2**63) <= number < 2**63:
        raise ValueError
    return number


def _float(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError
    return number


def _bool(text: str) -> bool:
    return _BOOLEANS[text.lower()]


def _date(text: str) -> date:
    return parse_date(text)


_READERS: Mapping[str, Callable[[str], Any]] = {"int": _int, "float": _float, "bool": _bool, "date": _date}
