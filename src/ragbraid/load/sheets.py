"""Spreadsheets (XLSX, XLS, XLSB, ODS): a document for each sheet, a line for each row."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from ragbraid.errors import LoadError
from ragbraid.load.extraction import parsed
from ragbraid.load.images import remark
from ragbraid.load.reading import Reader, Settings, suffixes, warnings
from ragbraid.types import Document, Reading

_Row: TypeAlias = Sequence[Any]
"""Number, cells, and which of these are words, empty ones among them."""
_HEADER_WITHIN = 20
_YEAR = re.compile(r"(?:1[89]|20)\d\d")


def read_sheets(source: str, data: bytes, settings: Settings) -> list[Document]:
    """A document for each sheet that holds anything, named `FILE#sheet=NAME`.

    Its lines read `Row 7: Name: Ada; Born: 1815-12-10`: every row says where it stands and what its cells
    are, wherever the text is cut. Raises `LoadError` where no sheet holds anything.
    """
    found = parsed(data, {"reader": "sheets"}, settings)
    documents = [
        Document(
            f"{source}#sheet={sheet['name']}",
            _text(sheet["rows"]),
            {"title": sheet["name"], "sheet": sheet["name"]},
            reading=Reading(found["reader"]),
        )
        for sheet in found["sheets"]
        if sheet["rows"]
    ]
    if not documents:
        raise LoadError("Its sheets are empty.", "Open it to see whether it holds any text.")
    return [dataclasses.replace(documents[0], warnings=warnings(remark(found["images"]))), *documents[1:]]


def _text(rows: Sequence[_Row]) -> str:
    last, names = _header(rows)
    lines = []
    for index, (number, cells, _) in enumerate(rows):
        if index <= last or not names:
            said = "; ".join(filter(None, cells))
        else:
            said = "; ".join(_cell(names, column, cell) for column, cell in enumerate(cells) if cell)
        lines.append(f"Row {number}: {said}")
    return "\n".join(lines)


def _cell(names: Sequence[str], column: int, cell: str) -> str:
    name = names[column] if column < len(names) else ""
    return f"{name}: {cell}" if name else cell


def _header(rows: Sequence[_Row]) -> tuple[int, list[str]]:
    """The last row of the header, and the names of the columns: −1 and none where there is no header.

    It is the first row of words and years that is as wide as most rows below and has no two alike; or two of
    them, the first one over several columns (`2024` over `Q1`, `Q2`). Of two columns it must differ from
    what is below: `Name`, `Ada` over `Born`, `1815` is a form, and has no header.
    """
    for index, row in enumerate(rows[:_HEADER_WITHIN]):
        if not _names(row):
            continue
        cells, below = list(row[1]), rows[index + 1 : index + 1 + _HEADER_WITHIN]
        if _fits(cells, below):
            return index, cells
        if below and _names(below[0]) and not _fits(below[0][1], below[1:]):
            both, rest = _joined(cells, below[0][1]), below[1:]
            if _fits(both, rest) and any(_holds_values(rest, column) for column in range(len(both))):
                return index + 1, both
    return -1, []


def _names(row: _Row) -> bool:
    """Whether a row holds nothing but words and years."""
    _, cells, words = row
    said = [word or _YEAR.fullmatch(cell) for cell, word in zip(cells, words, strict=True)]
    return all(said) and any(word and cell for cell, word in zip(cells, words, strict=True))


def _joined(groups: Sequence[str], names: Sequence[str]) -> list[str]:
    """The names of columns below names of groups, each of which reaches to the next one."""
    joined, group = [], ""
    for column, name in enumerate(names):
        own = groups[column] if column < len(groups) else ""
        group = own or group
        joined.append(" ".join(filter(None, (group if name else own, name))))
    return joined


def _fits(names: Sequence[str], below: Sequence[_Row]) -> bool:
    filled = [each for each in names if each]
    widths = sorted(sum(map(bool, cells)) for _, cells, _ in below)
    usual = widths[len(widths) // 2] if widths else 0
    if usual < 2 or len(filled) < usual or len(set(filled)) < len(filled):
        return False
    return usual > 2 or any(_holds_values(below, column) for column, each in enumerate(names) if each)


def _holds_values(rows: Sequence[_Row], column: int) -> bool:
    """Whether nearly all cells of a column are numbers or dates."""
    filled = [words[column] for _, cells, words in rows if column < len(cells) and cells[column]]
    return len(filled) > 1 and sum(filled) <= len(filled) // 5


READERS: Mapping[str, Reader] = suffixes(read_sheets, "xlsx xlsm xlsb xls ods")
