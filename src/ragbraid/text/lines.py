"""Lines as editors count them: LF, CR LF and a lone CR end one, and no other character does."""

from __future__ import annotations

from collections.abc import Iterable


def line_at(text: str, offset: int) -> int:
    """The line, counted from 1, that the character at `offset` is on."""
    return 1 + _ends(text, 0, offset)


def lines_at(text: str, offsets: Iterable[int]) -> dict[int, int]:
    """`line_at` of each of these offsets, in one pass over the text."""
    lines: dict[int, int] = {}
    line, before = 1, 0
    for offset in sorted(set(offsets)):
        line += _ends(text, before, offset)
        lines[offset], before = line, offset
    return lines


def _ends(text: str, start: int, end: int) -> int:
    """The lines that end within `start` and `end`. A CR LF ends one with its LF, wherever it is cut."""
    breaks = text.count("\n", start, end) + text.count("\r", start, end) - text.count("\r\n", start, end)
    return breaks - (text[end - 1 : end + 1] == "\r\n" if end > 0 else 0)
