"""Messages: EML and MSG, with who wrote to whom and when; what is attached is read as the file it is."""

from __future__ import annotations

import base64
import dataclasses
import re
from collections.abc import Iterator, Mapping
from pathlib import PurePath
from typing import Any

from ragbraid.errors import LoadError, MissingDependency
from ragbraid.load.described import describe, said, time_of
from ragbraid.load.extraction import extract, parsed
from ragbraid.load.hypertext import extract_html
from ragbraid.load.reading import Reader, Settings, suffixes
from ragbraid.types import Document, Reading

MSG = "application/vnd.ms-outlook"

_HEADER = re.compile(r"^(From|To|Cc|Date): (.+)$", re.MULTILINE)
_HEAD = 8192
_DEPTH = 3
"""How deep messages may be attached to messages."""


def read_eml(source: str, data: bytes, settings: Settings) -> Iterator[Document]:
    """The message, then a document `MESSAGE#attachment=NAME` for each attachment that can be read.

    Its text begins with subject, sender, receivers and date; these are metadata, too (`title`, `author`,
    `to`, `cc`, `created`).
    """
    yield from _message(source, data, settings, 0)


def _message(source: str, data: bytes, settings: Settings, depth: int) -> Iterator[Document]:
    found = parsed(data, {"reader": "mail"}, settings)
    body = found["plain"].strip()
    if not body and found["html"].strip():
        try:
            body = extract_html(found["html"], settings).text.strip()
        except LoadError:  # a page without words; the headers stay
            body = ""
    told: list[str] = []
    attached = list(_attached(source, found["attached"], settings, depth, told))
    headers = {name: value for name, value in found["headers"].items() if value}
    text = "\n".join(f"{name}: {value}" for name, value in headers.items())
    metadata: dict[str, Any] = {
        "author": said(headers.get("From")),
        "to": said(headers.get("To")),
        "cc": said(headers.get("Cc")),
        "created": time_of(found["date"]),
    }
    metadata = {name: value for name, value in metadata.items() if value}
    describe(metadata, headers.get("Subject"), None)
    reading = Reading(found["reader"])
    yield Document(source, f"{text}\n\n{body}".strip(), metadata, (), tuple(told), reading=reading)
    yield from attached


def _attached(
    source: str, entries: list[dict[str, str]], settings: Settings, depth: int, told: list[str]
) -> Iterator[Document]:
    """The documents of attachments; what can't be read is told."""
    from ragbraid.load.formats import reader_for

    taken: set[str] = set()
    for number, each in enumerate(entries, 1):
        name = PurePath(each["name"].replace("\\", "/")).name or f"{number}"
        reader = reader_for(name)
        if reader is None or depth >= _DEPTH:
            told.append(f"its attachment {name!r} wasn't read")
            continue
        key = name if name not in taken else f"{number}-{name}"
        taken.add(key)
        place, data = f"{source}#attachment={key}", base64.b64decode(each["data"])
        try:
            documents = list(
                _message(place, data, settings, depth + 1)
                if reader is read_eml
                else reader(place, data, settings)
            )
        except (LoadError, MissingDependency) as error:
            told.append(f"its attachment {name!r} wasn't read: {error.message}")
            continue
        yield from (
            dataclasses.replace(found, metadata={**found.metadata, "attached_to": source})
            for found in documents
        )


def read_msg(source: str, data: bytes, settings: Settings) -> list[Document]:
    """An Outlook message, its headers as `read_eml` has them; what is attached is named, and not read."""
    found = extract(data, MSG, settings)
    text = found["content"].replace("\r\n", "\n").strip()
    if not text:
        raise LoadError("No text was found in it.", "Open it to see whether it holds any.")
    headers = dict(_HEADER.findall(text[:_HEAD].partition("\n\n")[0]))
    given = {"author": "From", "to": "To", "cc": "Cc"}
    metadata: dict[str, Any] = {name: said(headers.get(header)) for name, header in given.items()}
    metadata["created"] = time_of(found["created"])
    metadata = {name: value for name, value in metadata.items() if value}
    describe(metadata, found["subject"], found["language"])
    told = tuple(f"its attachment {name!r} wasn't read" for name in found["attached"])
    return [Document(source, text, metadata, (), told, reading=Reading(found["reader"]))]


READERS: Mapping[str, Reader] = {**suffixes(read_eml, "eml"), **suffixes(read_msg, "msg")}
