"""The `rows` loader: a document for each record of a table."""

from __future__ import annotations

import dataclasses
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Annotated, BinaryIO, ClassVar

from annotated_types import Gt

from ragbraid.errors import LoadError
from ragbraid.load.places import demand, everything, fingerprint, format_name, opened
from ragbraid.load.tables import SUFFIXES, table
from ragbraid.load.template import Columns, Template
from ragbraid.load.walk import globs
from ragbraid.types import Document, Skipped, SourceRef

_LONGEST_ID = 500
_DIGITS = re.compile(r"\d+")


@dataclass(frozen=True, slots=True)
class Rows:
    """Reads tables (CSV, TSV, JSONL, Parquet), each record as a document of its own.

    `text` is a template such as `"{name}: {bio}"`, with `{{` for a brace; without it a record's text has a
    line `column: value` for each column that isn't empty. `metadata` lists the columns that filters can use,
    or is `all` but texts of more than 500 characters; numbers, booleans and dates stay what they are, and
    what the file's `fields` declare is made so of text. `title` names the column of a record's title, `id`
    the one that tells records apart. `a.b` is the column b within the object a.

    A record is cited as `FILE#row=12`, with `id` as `FILE#id=a7`. Rows count as a spreadsheet shows them,
    the header being row 1; in JSONL they are the file's lines. The number is in the metadata as `row`, too.
    Records are read as they come, so a table may be larger than memory. A row with too few cells has empty
    ones, further cells are columns named `column 4`, and empty rows are left out.

    `delimiter` is told from the text where it isn't given; without a `header` columns are `column 1` and so
    on. `include`, `exclude`, `hidden` and `max_mb` are those of `files`, and a table that both would read
    is read here. Raises `LoadError` for a file that can't be read or lacks a column.
    """

    text: str | None = None
    metadata: Columns = ()
    id: str | None = None
    title: str | None = None
    delimiter: str | None = None
    header: bool = True
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    hidden: bool = False
    max_mb: Annotated[float, Gt(0)] = 16384.0

    blocking: ClassVar[bool] = True
    version: ClassVar[int] = 1

    def __post_init__(self) -> None:
        self._template()
        if self.delimiter is not None and (len(self.delimiter) != 1 or self.delimiter in '"\r\n'):
            raise ValueError(f"delimiter wants one character, not {self.delimiter!r}")

    def scan(self, paths: Sequence[str], base: Path) -> Iterator[SourceRef | Skipped]:
        """Name every table under `paths`, in the order of `files`."""
        demand(paths)
        return self._scan(paths, base)

    def claim(self, origin: str) -> int:
        """2 for a table that `include` names, 1 for another one."""
        if PurePath(origin).suffix.lower() not in SUFFIXES or not self._wants(origin):
            return 0
        return 2 if self.include else 1

    def fingerprint(self, ref: SourceRef) -> str:
        """The SHA-256 of the file's bytes."""
        return fingerprint(ref, self.max_mb * 1e6)

    def load(self, ref: SourceRef) -> Iterator[Document]:
        """A document for each record, in order; what was odd is told with the last one."""
        template, remarks, last = self._template(), _Remarks(), None
        for document in self._documents(ref, template, remarks):
            if last is not None:
                yield last
            last = document
        if last is not None:
            yield dataclasses.replace(last, warnings=remarks.told())
        elif told := remarks.told():
            raise LoadError(f"There is no record in it: {told[0]}.", "Look at it in an editor.")

    def _template(self) -> Template:
        return Template(self.text, self.metadata, self.id, self.title)

    def _wants(self, origin: str) -> bool:
        name = origin.lstrip("/")
        included = not self.include or globs(self.include).match_file(name)
        return included and not (self.exclude and globs(self.exclude).match_file(name))

    def _scan(self, paths: Sequence[str], base: Path) -> Iterator[SourceRef | Skipped]:
        for found in everything(paths, base, hidden=self.hidden):
            if isinstance(found, Skipped):
                yield found
            elif not self._wants(found.origin):
                continue
            elif PurePath(format_name(found)).suffix.lower() not in SUFFIXES:
                yield Skipped(found.origin, "it isn't a table (CSV, TSV, JSONL, Parquet)")
            elif found.size > self.max_mb * 1e6:
                yield Skipped(found.origin, f"it is larger than `max_mb` ({self.max_mb:g} MB)")
            else:
                yield found

    def _documents(self, ref: SourceRef, template: Template, remarks: _Remarks) -> Iterator[Document]:
        def source() -> BinaryIO:
            return opened(ref, self.max_mb * 1e6)

        names: dict[str, int] = {}
        seen: dict[str, None] = {}
        with table(format_name(ref), source, self.delimiter, self.header) as read:
            remarks.add(read.warning)
            for number, record in enumerate(read.records):
                if number == 0 and read.columns():
                    remarks.lacks(template.demand(read.columns()))
                seen.update(dict.fromkeys(record.cells))
                remarks.add(record.warning)
                key = template.key(record.cells)
                if len(key) > _LONGEST_ID:
                    remarks.add(f"row {record.row} has an id of {len(key)} characters: it goes by its number")
                    key = ""
                if key and (earlier := names.setdefault(key, record.row)) != record.row:
                    remarks.add(f"row {record.row} has the id of row {earlier}, and goes by its number")
                    key = ""
                mark = f"id={key}" if key else f"row={record.row}"
                document = template.document(f"{ref.origin}#{mark}", record.cells, {"row": record.row})
                if document is not None:
                    yield document
            if not read.columns() and seen:
                remarks.lacks(template.demand(seen))


class _Remarks:
    """What was odd about the records, the same remark about many of them once."""

    def __init__(self) -> None:
        self._first: dict[str, str] = {}
        self._counts: Counter[str] = Counter()

    def add(self, remark: str | None) -> None:
        if remark is not None:
            kind = _DIGITS.sub("0", remark)
            self._first.setdefault(kind, remark)
            self._counts[kind] += 1

    def lacks(self, columns: Sequence[str]) -> None:
        for each in columns:
            self.add(f"it has no column {each!r}")

    def told(self) -> tuple[str, ...]:
        more = {kind: count - 1 for kind, count in self._counts.items()}
        return tuple(
            f"{first}; so it is with {more[kind]} more" if more[kind] else first
            for kind, first in self._first.items()
        )
