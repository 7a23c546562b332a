"""Headings and code fences of a Markdown text, by offset (CommonMark 0.31, sections 4.2, 4.3 and 4.5)."""

from __future__ import annotations

import re
from dataclasses import dataclass

_BEGIN = r"(?:(?<=[\r\n])|\A)"
_END = r"(?=[\r\n]|\Z)"
_MARK = re.compile(
    _BEGIN + r" {0,3}(?:"
    r"(?P<fence>`{3,}(?=[^`\r\n]*" + _END + r")|~{3,})(?P<info>[^\r\n]*)"
    r"|(?P<hashes>\#{1,6})(?:[ \t]+(?P<heading>[^\r\n]*))?" + _END + r"|(?P<under>=+|-+)[ \t]*" + _END + r")"
)
_CLOSING_HASHES = re.compile(r"(?:^|[ \t]+)#+[ \t]*$")
_NOT_A_PARAGRAPH = re.compile(r"[ \t]*(?:[>|#]|[-*+][ \t]|\d{1,9}[.)][ \t]|[-*_=`~ \t]*$)| {4}|\t")
_LONGEST = 1000
"""Characters of an underlined heading: a bound, so that the search for its start is one, too."""


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading line: where it begins, its level from 1 to 6, and its words."""

    start: int
    level: int
    text: str


@dataclass(frozen=True, slots=True)
class Outline:
    """Headings in order, and the spans of code fences, an unclosed one reaching to the end."""

    headings: tuple[Heading, ...]
    fences: tuple[tuple[int, int], ...]


def outline(text: str, start: int = 0) -> Outline:
    """The headings and fences of `text[start:]`, with offsets into `text`."""
    headings: list[Heading] = []
    fences: list[tuple[int, int]] = []
    opened: tuple[int, str] | None = None
    for mark in _MARK.finditer(text, start):
        fence = mark["fence"]
        if opened is not None:
            if fence and fence.startswith(opened[1]) and not mark["info"].strip():
                fences.append((opened[0], mark.end()))
                opened = None
        elif fence:
            opened = (mark.start(), fence)
        elif mark["hashes"]:
            words = _CLOSING_HASHES.sub("", mark["heading"] or "").strip()
            headings.append(Heading(mark.start(), len(mark["hashes"]), words))
        elif (above := _line_above(text, mark.start(), start)) is not None:
            headings.append(Heading(above[0], 1 if mark["under"][0] == "=" else 2, above[1]))
    if opened is not None:
        fences.append((opened[0], len(text)))
    return Outline(tuple(headings), tuple(fences))


def _line_above(text: str, offset: int, start: int) -> tuple[int, str] | None:
    """Start and words of the line before `offset`, where an underline makes it a heading."""
    end = offset - 2 if text[max(start, offset - 2) : offset] == "\r\n" else offset - 1
    if end <= start:
        return None
    low = max(start, end - _LONGEST)
    begin = max(text.rfind("\n", low, end), text.rfind("\r", low, end)) + 1
    if begin == 0:
        if low > start:
            return None
        begin = start
    line = text[begin:end]
    return None if _NOT_A_PARAGRAPH.match(line) else (begin, line.strip())
