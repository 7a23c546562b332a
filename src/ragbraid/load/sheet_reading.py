"""What calamine finds in a spreadsheet; runs in the parser's process alone."""

from __future__ import annotations

import datetime
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from io import BytesIO
from typing import Any

_EXACT = 2**53


def read(data: bytes, _question: Mapping[str, Any]) -> dict[str, Any]:
    """Each sheet's name and rows: the number of each as a spreadsheet shows it, and its cells as text."""
    from python_calamine import CalamineWorkbook, SheetTypeEnum

    book = CalamineWorkbook.from_filelike(BytesIO(data))
    sheets = []
    for each in book.sheets_metadata:
        if each.typ == SheetTypeEnum.WorkSheet:
            rows = book.get_sheet_by_name(each.name).iter_rows()
            sheets.append({"name": each.name, "rows": list(_rows(rows))})
    return {"sheets": sheets, "images": _images(data)}


def _images(data: bytes) -> int:
    """How many pictures the file holds, where it is an archive as newer ones are."""
    if not zipfile.is_zipfile(BytesIO(data)):
        return 0
    with zipfile.ZipFile(BytesIO(data)) as archive:
        return sum(name.startswith(("xl/media/", "Pictures/")) for name in archive.namelist())


def _rows(rows: Iterable[list[Any]]) -> Iterator[tuple[int, list[str], list[bool]]]:
    """Rows that aren't empty: number, cells, and which of these are words."""
    for number, row in enumerate(rows, 1):
        cells = [_text(each) for each in row]
        if any(cells):
            yield number, cells, [isinstance(each, str) for each in row]


def _text(value: Any) -> str:
    """A cell as it is read: whole numbers without a fraction, dates and times in ISO 8601."""
    match value:
        case bool():
            return "true" if value else "false"
        case float() if value.is_integer() and abs(value) < _EXACT:
            return str(int(value))
        case datetime.datetime() if value.time() == datetime.time():
            return value.date().isoformat()
        case datetime.datetime():
            return value.isoformat(" ")
        case datetime.date() | datetime.time():
            return value.isoformat()
        case _:
            return " ".join(str(value).split())
