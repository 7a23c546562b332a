"""What a file says of itself, as metadata that filters can use: title, language, author, times."""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping
from typing import Any

_LONGEST = 500
_NOTHING = {"anonymous", "(anonymous)", "unknown", "unspecified", "(unspecified)", "untitled", "user"}
"""What programs fill in, in lower case."""
_PDF_TIME = re.compile(
    r"(?:D:)?(?P<date>\d{8})(?P<time>\d{6})?(?P<zone>Z|[+-]\d\d)?'?(?P<minutes>\d\d)?'?$", re.IGNORECASE
)


def describe(metadata: dict[str, Any], title: str | None, lang: Any) -> None:
    """Set `title` and `lang` where they are known; what a front matter says of them stands, as text."""
    for key, value in (("title", title), ("lang", lang)):
        value = metadata.get(key) if metadata.get(key) not in (None, "") else value
        if isinstance(value, (str, int, float)) and str(value).strip():
            metadata[key] = str(value)[:_LONGEST]
        else:
            metadata.pop(key, None)


def properties(found: Mapping[str, Any]) -> dict[str, Any]:
    """`author`, `subject`, `keywords`, `created` and `modified`, those that the file really says.

    Several authors are one text with commas; times are ISO 8601, and what is none is left out.
    """
    metadata: dict[str, Any] = {}
    authors = [each for each in map(said, found.get("authors") or ()) if each]
    if authors:
        metadata["author"] = ", ".join(dict.fromkeys(authors))[:_LONGEST]
    if subject := said(found.get("subject")):
        metadata["subject"] = subject
    keywords = [each for each in map(said, found.get("keywords") or ()) if each]
    if keywords:
        metadata["keywords"] = keywords
    for name in ("created", "modified"):
        if when := time_of(found.get(name)):
            metadata[name] = when
    return metadata


def said(text: str | None) -> str | None:
    """A property as one line; None for one that a program filled in to say nothing."""
    line = " ".join((text or "").split())[:_LONGEST]
    return None if not line or line.lower() in _NOTHING else line


def time_of(text: str | None) -> str | None:
    """A time as ISO 8601, from that or from a PDF's way to write it; None for anything else."""
    if not text:
        return None
    if found := _PDF_TIME.match(text.strip()):
        zone = found["zone"] or ""
        zone = f"{zone}:{found['minutes'] or '00'}" if zone[:1] in ("+", "-") else zone.upper()
        clock = found["time"]
        text = found["date"] if clock is None else f"{found['date']}T{clock}{zone}"
    try:
        if len(text.strip()) <= len("2024-01-31"):
            return datetime.date.fromisoformat(text.strip()).isoformat()
        return datetime.datetime.fromisoformat(text.strip()).isoformat().replace("+00:00", "Z")
    except ValueError:
        return None
