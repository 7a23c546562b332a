"""Where the records of a delimited text (CSV, TSV) begin, by offset (RFC 4180)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

_DELIMITERS = ",;\t|"
_NUMBER = re.compile(r"[-+]?[\d.,]*\d[\d.,]*%?\Z")
_SAMPLE = 10_000


def delimiter(text: str, start: int, tabs: bool = False) -> str:
    """The sign between the cells of the first line, outside quotes."""
    if tabs:
        return "\t"
    line = re.split(r"[\r\n]", text[start : start + _SAMPLE].lstrip(), maxsplit=1)[0]
    bare = re.sub(r'"[^"]*"', "", line)
    return max(_DELIMITERS, key=bare.count)


def records(text: str, start: int, separator: str) -> Iterator[tuple[int, int]]:
    """Start and end of each record of `text[start:]`, line ends left out, blank lines too.

    A quoted cell may hold line ends; a quotation mark that no other closes is a sign like any other.
    """
    begin = start
    for mark in _marks(separator).finditer(text, start):
        if mark[0][0] not in "\r\n":
            continue
        if text[begin : mark.start()].strip():
            yield begin, mark.start()
        begin = mark.end()
    if text[begin:].strip():
        yield begin, len(text)


def names_columns(record: str, separator: str) -> bool:
    """Whether a first record is a header: a row of values has a number or a gap in it."""
    found = [each.strip() for each in re.split(re.escape(separator), record)]
    return len(found) > 1 and not any(not each or _NUMBER.match(each.strip('"')) for each in found)


@lru_cache
def _marks(separator: str) -> re.Pattern[str]:
    quoted = rf'(?:(?<=[{re.escape(separator)}\r\n])|\A)"(?:[^"]|"")*+"'
    return re.compile(rf"{quoted}|\r\n|[\r\n]")
