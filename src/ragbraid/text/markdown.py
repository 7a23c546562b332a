"""Headings, code fences and tables of a Markdown text, by offset.

CommonMark 0.31, sections 4.2, 4.3 and 4.5; GitHub Flavored Markdown 0.29, section 4.10.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from operator import attrgetter

from ragbraid.types import Document

_END = r"(?=[\r\n]|\Z)"
_LINE = (
    r"(?P<line> {0,3}(?=[`~#=\-])(?:"
    r"(?P<fence>`{3,}(?=[^`\r\n]*" + _END + r")|~{3,})(?P<info>[^\r\n]*)"
    r"|(?P<hashes>\#{1,6})(?:[ \t]+(?P<heading>[^\r\n]*))?" + _END + r"|(?P<under>=+|-+)[ \t]*" + _END + r"))"
)
_FIRST_MARK = re.compile(_LINE)
_NEWLINES = ("\n", "[\r\n]")
"""What a line begins behind: a single sign is found several times faster than one of two, or a place."""
_MARK = {newline: re.compile(newline + _LINE) for newline in _NEWLINES}
_CLOSING_HASHES = re.compile(r"(?:^|[ \t]+)#+[ \t]*$")
_NOT_A_PARAGRAPH = re.compile(r"[ \t]*(?:[>|#]|[-*+][ \t]|\d{1,9}[.)][ \t]|[-*_=`~ \t]*$)| {4}|\t")
_DASHES = r" {0,3}(?=[ \t:-]*\|)\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?[ \t]*" + _END
_DELIMITERS = {newline: re.compile(newline + _DASHES) for newline in _NEWLINES}
_ROW = re.compile(r"(?:\r\n|[\r\n])([^\r\n]*\|[^\r\n]*)")
_NEWLINE = re.compile(r"[\r\n]")
_LONGEST = 1000
"""Characters of an underlined heading: a bound, so that the search for its start is one, too."""


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading line: where it begins, its level from 1 to 6, its words, and where it ends."""

    start: int
    level: int
    text: str
    end: int


@dataclass(frozen=True, slots=True)
class Table:
    """A table: where its header begins, where its rows do, and where it ends."""

    start: int
    body: int
    end: int


@dataclass(frozen=True, slots=True)
class Outline:
    """Headings in order, the spans of code fences, an unclosed one reaching to the end, and the tables."""

    headings: tuple[Heading, ...] = ()
    fences: tuple[tuple[int, int], ...] = ()
    tables: tuple[Table, ...] = ()

    def tables_in(self, start: int, end: int) -> tuple[Table, ...]:
        """The tables that begin between two offsets."""
        first = bisect_left(self.tables, start, key=attrgetter("start"))
        return self.tables[first : bisect_left(self.tables, end, key=attrgetter("start"))]


def outline_of(document: Document) -> Outline:
    """The outline of a document's body; an empty one where the document isn't Markdown."""
    return outline(document.text, document.body) if document.media_type == "text/markdown" else Outline()


def outline(text: str, start: int = 0) -> Outline:
    """The headings, fences and tables of `text[start:]`, with offsets into `text`."""
    headings: list[Heading] = []
    fences: list[tuple[int, int]] = []
    for found in _blocks(text, start):
        if isinstance(found, Heading):
            headings.append(found)
        else:
            fences.append(found)
    return Outline(tuple(headings), tuple(fences), tuple(_tables(text, start, fences)))


def first_heading(text: str, start: int = 0) -> str | None:
    """The words of the first heading of `text[start:]` that has some; what follows isn't looked at."""
    blocks = _blocks(text, start)
    return next((each.text for each in blocks if isinstance(each, Heading) and each.text), None)


def header(text: str, table: Table) -> str:
    """The line of a table that names its columns."""
    return _NEWLINE.split(text[table.start : table.body], 1)[0].strip()


def _blocks(text: str, start: int) -> Iterator[Heading | tuple[int, int]]:
    """The headings, and the spans of the fences, in order."""
    opened: tuple[int, str] | None = None
    for mark in _marks(text, start):
        fence, begin = mark["fence"], mark.start("line")
        if opened is not None:
            if fence and fence.startswith(opened[1]) and not mark["info"].strip():
                yield opened[0], mark.end()
                opened = None
        elif fence:
            opened = (begin, fence)
        elif mark["hashes"]:
            words = _CLOSING_HASHES.sub("", mark["heading"] or "").strip()
            yield Heading(begin, len(mark["hashes"]), words, mark.end())
        elif (above := _line_above(text, begin, start)) is not None:
            level = 1 if mark["under"][0] == "=" else 2
            yield Heading(above[0], level, above[1], mark.end())
    if opened is not None:
        yield opened[0], len(text)


def _marks(text: str, start: int) -> Iterator[re.Match[str]]:
    """The lines that may open or close a fence, be a heading or underline one."""
    first = _FIRST_MARK.match(text, start) if text[max(0, start - 1) : start] in ("", "\r", "\n") else None
    if first:
        yield first
    yield from _MARK[_newline(text)].finditer(text, first.end() if first else start)


def _newline(text: str) -> str:
    return "[\r\n]" if "\r" in text else "\n"


def _tables(text: str, start: int, fences: list[tuple[int, int]]) -> Iterator[Table]:
    """A table is a line of cells, a line of dashes, and the lines of cells that follow."""
    if "|" not in text:
        return
    reached, fence = start, 0
    for mark in _DELIMITERS[_newline(text)].finditer(text, start):
        line = mark.start() + 1
        while fence < len(fences) and fences[fence][1] <= line:
            fence += 1
        above = _end_of_line_above(text, line, start)
        begin = max(text.rfind("\n", reached, above), text.rfind("\r", reached, above)) + 1 or reached
        in_fence = fence < len(fences) and fences[fence][0] <= line
        if in_fence or line < reached or "|" not in text[begin:above]:
            continue
        body = end = mark.end()
        while row := _ROW.match(text, end):
            end = row.end()
        reached = end
        yield Table(begin, body, end)


def _end_of_line_above(text: str, offset: int, start: int) -> int:
    return offset - 2 if text[max(start, offset - 2) : offset] == "\r\n" else offset - 1


def _line_above(text: str, offset: int, start: int) -> tuple[int, str] | None:
    """Start and words of the line before `offset`, where an underline makes it a heading."""
    end = _end_of_line_above(text, offset, start)
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
