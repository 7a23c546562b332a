"""How a record of a table becomes a document: which columns are its text, metadata, title and name."""

from __future__ import annotations

import datetime
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal, TypeAlias

from ragbraid.errors import LoadError
from ragbraid.load.front_matter import RESERVED
from ragbraid.types import Document, Reading

READING = Reading("template")
"""How a record became text."""

Columns: TypeAlias = tuple[str, ...] | Literal["all"]

_TOKEN = re.compile(r"\{\{|\}\}|\{([^{}]+)\}|[{}]")
_LONGEST_TITLE = 500
_LONGEST_VALUE = 500
_NAMED = 12


@dataclass(frozen=True, slots=True)
class Template:
    """Makes documents of records.

    `text` is the document's text with `{column}` for a value, `{{` and `}}` for braces; without it the text
    has a line `column: value` for each column that isn't empty. A column inside a nested value is written
    `outer.inner`. Raises `ValueError` for a template that isn't one, or a metadata name that can't be set.
    """

    text: str | None = None
    metadata: Columns = ()
    id: str | None = None
    title: str | None = None

    def __post_init__(self) -> None:
        if self.text is not None:
            if not self.text.strip():
                raise ValueError("text is empty; leave it out for a line `column: value` for each column")
            for found in _TOKEN.finditer(self.text):
                if found[0] in "{}":
                    where = f"a single {found[0]} at character {found.start() + 1}"
                    raise ValueError(f"text has {where}; write {{column}}, or {found[0] * 2} for a brace")
        for name in self.metadata if self.metadata != "all" else ():
            if name in RESERVED or name.startswith("$"):
                raise ValueError(f"metadata can't be named {name!r}; rename the column")

    def demand(self, there: Iterable[str]) -> list[str]:
        """Raise `LoadError` where a text or a name would lack its column; the other columns that it lacks."""
        known = list(there)

        def missing(names: Iterable[str | None]) -> list[str]:
            found = dict.fromkeys(each for each in names if each)
            return [each for each in found if not {each, each.partition(".")[0]}.intersection(known)]

        needed = [found[1] and found[1].strip() for found in _TOKEN.finditer(self.text or "")]
        if lacking := missing([*needed, self.id]):
            columns = ", ".join(known[:_NAMED]) + ", …" * (len(known) > _NAMED)
            said = f"It has no column {lacking[0]!r}: it has {columns or 'none'}."
            raise LoadError(said, "Name one of these.")
        return missing([*(() if self.metadata == "all" else self.metadata), self.title])

    def document(self, source: str, record: Mapping[str, Any], marks: Mapping[str, Any]) -> Document | None:
        """The document of a record, with `marks` in its metadata; None where it has no text."""
        text = self._default(record) if self.text is None else self._filled(record)
        if not text.strip():
            return None
        metadata: dict[str, Any] = {}
        for name in self._kept(record):
            value = storable(value_of(record, name))
            if value not in (None, ""):
                metadata[name] = value
        if self.title and (title := text_of(value_of(record, self.title)).strip()):
            metadata["title"] = title[:_LONGEST_TITLE]
        return Document(source, text, {**metadata, **marks}, reading=READING)

    def key(self, record: Mapping[str, Any]) -> str:
        """What the column `id` holds, as text; empty where there is none."""
        return text_of(value_of(record, self.id)).strip() if self.id else ""

    def _kept(self, record: Mapping[str, Any]) -> Iterable[str]:
        if self.metadata != "all":
            return self.metadata
        return [
            name
            for name, value in record.items()
            if name not in RESERVED
            and name[:1] != "$"
            # Every passage carries its metadata, and no filter compares a long text.
            and not (isinstance(value, str) and len(value) > _LONGEST_VALUE)
        ]

    def _filled(self, record: Mapping[str, Any]) -> str:
        def value(found: re.Match[str]) -> str:
            return text_of(value_of(record, found[1].strip())) if found[1] else found[0][0]

        return _TOKEN.sub(value, self.text or "").strip()

    def _default(self, record: Mapping[str, Any]) -> str:
        lines = (f"{name}: {text}" for name, text in _flat(record))
        return "\n".join(lines)


def value_of(record: Mapping[str, Any], column: str) -> Any:
    """The value of a column, or of `outer.inner` within a nested one; None where there is none."""
    if column in record:
        return record[column]
    value: Any = record
    for part in column.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


def text_of(value: Any) -> str:
    """A value as it is read: empty for none, dates in ISO 8601, the elements of a list with commas."""
    match value:
        case None:
            return ""
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case datetime.date() | datetime.time():
            return value.isoformat()
        case bytes() | bytearray() | memoryview():
            return ""
        case Mapping():
            return ", ".join(f"{name}: {text}" for name, text in _flat(value))
        case list() | tuple() | set():
            return ", ".join(filter(None, map(text_of, value)))
        case _:
            return str(value)


def storable(value: Any) -> Any:
    """A value as metadata can hold it: numbers, booleans and dates stay what they are."""
    match value:
        case bool() | str() | None | datetime.date():
            return value
        case int():
            return value if -(2**63) <= value < 2**63 else str(value)
        case float():
            return value if math.isfinite(value) else None
        case Decimal():
            whole = value.is_finite() and value == value.to_integral_value()
            return storable(int(value) if whole else float(value))
        case bytes() | bytearray() | memoryview():
            return None
        case Mapping():
            return {str(key).lstrip("$"): storable(each) for key, each in value.items()}
        case list() | tuple() | set():
            return [storable(each) for each in value]
        case _:
            return str(value)


def _flat(record: Mapping[str, Any], outer: str = "") -> Iterator[tuple[str, str]]:
    for name, value in record.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{outer}{name}.")
        elif text := text_of(value).strip():
            yield f"{outer}{name}", text
