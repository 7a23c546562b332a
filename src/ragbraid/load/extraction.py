"""What the parser's process found in a file → a document: cleaned of its marks, with pages and properties."""

from __future__ import annotations

import contextlib
import dataclasses
import io
import re
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ragbraid.errors import LoadError
from ragbraid.load.described import describe, properties, said
from ragbraid.load.images import remark, says
from ragbraid.load.parser import PARSER
from ragbraid.load.reading import Settings, warnings
from ragbraid.text.markdown import first_heading, outline
from ragbraid.types import Document, Reading

_MARKS = re.compile(
    r"(?P<code>(?<![\\`])(?P<ticks>`+)(?!`)[^\n]*?(?<!`)(?P=ticks)(?!`))"
    r"|\\?!\[(?P<alt>(?:[^\n\]!]|\](?!\()|!(?!\[))*)\]\((?:[^()\n]|\([^()\n]*\))*\)"
    r"|\\(?P<sign>[!-/:-@\[-`{-~])"
)


@dataclass(frozen=True, slots=True)
class Extracted:
    """The text of a file; `pages` has the offset at which each page begins."""

    text: str
    title: str | None = None
    lang: str | None = None
    pages: tuple[int, ...] = ()
    metadata: Mapping[str, Any] = field(default_factory=dict)
    bare: int = 0
    """Images without a description."""
    reader: str = ""
    """The parser that found it."""
    encoding: str = ""
    """What its text was decoded from, where it was before it was parsed."""


def extract(data: bytes, mime_type: str, settings: Settings) -> dict[str, Any]:
    """What xberg finds in the bytes of a file. Raises `LoadError`."""
    return parsed(data, {"reader": "xberg", "mime_type": mime_type}, settings)


def parsed(
    data: bytes, question: Mapping[str, Any], settings: Settings, seconds: float = 0.0
) -> dict[str, Any]:
    """The answer of the parser's process to a question about some bytes; it may take `seconds` more.

    Raises `LoadError`.
    """
    limits = settings.limits
    if seconds:
        limits = dataclasses.replace(limits, seconds=limits.seconds + seconds)
    found = PARSER.parse(data, question, limits)
    if "error" in found:
        raise LoadError(*_reason("encrypted" if _is_locked(data) else found["error"]))
    return {**found, "reader": question["reader"]}


def whole(found: Mapping[str, Any], *, paged: bool = False) -> Extracted:
    """What was found as Markdown without escapes, so that readers see `<input>` as it was written.

    An image is written as `[Image: DESCRIPTION]`, one without a description is counted. With `paged`, the
    texts of its pages one after the other. Raises `LoadError` where there is no text.
    """
    cleaned = [_cleaned(each) for each in (found["pages"] if paged else [found["content"]])]
    pages = [text.strip() if paged else text for text, _ in cleaned]
    if not any(each.strip() for each in pages):
        raise LoadError("No text was found in it.", "Open it to see whether it holds any.")
    return _extracted(found, pages, paged, sum(bare for _, bare in cleaned))


def paged(found: Mapping[str, Any], pages: Sequence[str]) -> Extracted:
    """What was found, with these texts as its pages, as they are."""
    return _extracted(found, pages, True, 0)


def document_of(
    source: str, found: Extracted, warning: str | None = None, media_type: str = "text/markdown"
) -> Document:
    """The document of what was found; a Markdown text without a title goes by its first heading."""
    metadata = dict(found.metadata)
    title = found.title
    if title is None and media_type == "text/markdown":
        title = first_heading(found.text)
    describe(metadata, title, found.lang)
    told = warnings(warning, remark(found.bare))
    reading = Reading(found.reader, found.encoding)
    return Document(source, found.text, metadata, found.pages, told, 0, media_type, reading)


def title_of(text: str | None) -> str | None:
    """A title; None for one that says nothing."""
    return said(text)


def joined(pages: Sequence[str]) -> tuple[str, tuple[int, ...]]:
    """The pages as one text, and the offset at which each begins."""
    starts, offset = [], 0
    for page in pages:
        starts.append(offset)
        offset += len(page) + 2
    return "\n\n".join(pages), tuple(starts)


def _extracted(found: Mapping[str, Any], pages: Sequence[str], paged: bool, bare: int) -> Extracted:
    text, starts = joined(pages)
    begins = starts if paged else ()
    return Extracted(
        text, title_of(found["title"]), found["language"], begins, properties(found), bare, found["reader"]
    )


def _cleaned(text: str) -> tuple[str, int]:
    """Markdown without its backslash escapes and with images as text, outside code; and the bare images."""
    bare = 0

    def read(match: re.Match[str]) -> str:
        nonlocal bare
        if match["alt"] is None:
            return match["code"] or match["sign"]
        if description := says(match["alt"].replace("\\", "")):
            return f"[Image: {description}]"
        bare += 1
        return ""

    parts, position = [], 0
    if not any(sign in text for sign in ("`", "![", "\\")):
        return text, 0
    for start, end in outline(text).fences:
        parts += [_MARKS.sub(read, text[position:start]), text[start:end]]
        position = end
    return "".join([*parts, _MARKS.sub(read, text[position:])]), bare


def _is_locked(data: bytes) -> bool:
    """Whether an Office document wants a password ([MS-OFFCRYPTO] 2.3.4; OpenDocument 1.3, part 2, 4.8)."""
    if data.startswith(b"\xd0\xcf\x11\xe0"):
        return "EncryptedPackage".encode("utf-16-le") in data
    with contextlib.suppress(Exception), zipfile.ZipFile(io.BytesIO(data)) as archive:  # it is a broken one
        return b"encryption-data" in archive.open("META-INF/manifest.xml").read(1 << 20)
    return False


def _reason(message: str) -> tuple[str, str]:
    if "password" in message.lower() or "encrypted" in message.lower():
        return "It is protected by a password.", "Save a copy without the password, and ingest that."
    first = message.strip().splitlines()[0] if message.strip() else "no reason given"
    return f"It is damaged, or not what its name says ({first[:300]}).", "Open it to see whether it is whole."
