"""CSV and TSV to records: any delimiter, quoted line breaks, ragged rows, fields of any size."""

from __future__ import annotations

import csv
import itertools
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from ragbraid.errors import LoadError
from ragbraid.load.text_lines import LONGEST

_DELIMITERS = ",;\t|"
_LOOKED_AT = 20
"""Lines that the delimiter is told from."""
_EXCEL_HINT = re.compile(r"sep=(.)[\r\n]*", re.IGNORECASE)
_QUOTED = re.compile(r'"(?:[^"]|"")*"')
_UNLIMITED = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Record:
    """One record of a table: its cells by column, and the row at which it stands, counted from 1.

    Rows count as a spreadsheet shows them: the header is one, and so is an empty line.
    """

    row: int
    cells: dict[str, Any]
    warning: str | None = None


@dataclass(slots=True)
class Delimited:
    """Reads the records of a delimited text; `columns` are known once the first one is read."""

    lines: Iterator[str]
    delimiter: str | None = None
    header: bool = True
    columns: tuple[str, ...] = field(default=(), init=False)

    def __iter__(self) -> Iterator[Record]:
        # The module's limit of 128 kB a field holds for the whole process, and nothing needs it.
        csv.field_size_limit(_UNLIMITED)
        head = list(itertools.islice(self.lines, _LOOKED_AT))
        hint = _EXCEL_HINT.fullmatch(head[0]) if head else None
        first = 1 if hint is None else 2
        delimiter = self.delimiter or (hint[1] if hint else _delimiter_of(head))
        if hint:
            del head[0]
        kept = _Kept(itertools.chain(head, self.lines))
        for row, cells in enumerate(csv.reader(kept, delimiter=delimiter), first):
            raw = kept.take()
            if not any(map(str.strip, cells)):
                continue
            if not self.columns:
                self.columns = _named(cells) if self.header else _named([""] * len(cells))
                if self.header:
                    continue
            yield Record(row, self._by_column(cells), self._remark(row, cells, raw))

    def _by_column(self, cells: Sequence[str]) -> dict[str, Any]:
        extra = [f"column {number}" for number in range(len(self.columns) + 1, len(cells) + 1)]
        names = itertools.chain(self.columns, extra)
        return dict(zip(names, cells, strict=False))

    def _remark(self, row: int, cells: Sequence[str], raw: Sequence[str]) -> str | None:
        swallows = len(raw) > 1 or cells[-1].endswith(("\n", "\r"))
        if swallows and "".join(raw).count('"') % 2:
            return f"row {row}: a quotation mark is never closed, so that it holds all that follows"
        if len(cells) != len(self.columns):
            return f"row {row} has {len(cells)} cells, and the first one {len(self.columns)}"
        return None


class _Kept:
    """Lines that are passed on, and kept until they are taken."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._lines = iter(lines)
        self._passed: list[str] = []
        self._size = 0

    def __iter__(self) -> Iterator[str]:
        for line in self._lines:
            self._passed.append(line)
            self._size += len(line)
            if self._size > LONGEST:
                raise LoadError(
                    f"A record of it has more than {LONGEST:,} characters.",
                    "Look for a quotation mark that is never closed.",
                )
            yield line

    def take(self) -> list[str]:
        """What was passed on since the last time."""
        passed, self._passed, self._size = self._passed, [], 0
        return passed


def _delimiter_of(lines: Sequence[str]) -> str:
    """The delimiter that most lines hold as often as the first one does; a comma where none is found."""
    bare = [each for each in _QUOTED.sub("", "".join(lines)).splitlines() if each.strip()]

    def weight(delimiter: str) -> tuple[int, int]:
        counts = [each.count(delimiter) for each in bare]
        return (counts.count(counts[0]), counts[0]) if counts and counts[0] else (0, 0)

    return max(_DELIMITERS, key=weight)


def _named(header: Sequence[str]) -> tuple[str, ...]:
    """Column names without the space around them; one that is empty or there already gets a number."""
    names: dict[str, None] = {}
    for number, cell in enumerate(header, 1):
        name = base = cell.strip() or f"column {number}"
        while name in names:
            name = f"{base} {number}" if name == base else f"{name}'"
        names[name] = None
    return tuple(names)
