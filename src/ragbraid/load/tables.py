"""Tables of every format as records: CSV, TSV, JSONL and Parquet."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any, BinaryIO

from ragbraid.errors import LoadError, MissingDependency
from ragbraid.load.delimited import Delimited, Record
from ragbraid.load.text_lines import Open, opened

DELIMITED = (".csv", ".tsv", ".tab")
JSON_LINES = (".jsonl", ".ndjson")
PARQUET = (".parquet",)
SUFFIXES = (*DELIMITED, *JSON_LINES, *PARQUET)

_ROWS = 1024


@dataclass(frozen=True, slots=True)
class Table:
    """The records of a table. `columns()` is empty where each record may have its own."""

    records: Iterator[Record]
    delimited: Delimited | None = None
    fixed: tuple[str, ...] = ()
    warning: str | None = None

    def columns(self) -> tuple[str, ...]:
        """The columns that every record has; known once the first one is read."""
        return self.delimited.columns if self.delimited else self.fixed


@contextmanager
def table(name: str, source: Open, delimiter: str | None, header: bool) -> Iterator[Table]:
    """The table in a file, by the ending of its name; read while one iterates. Raises `LoadError`."""
    suffix = PurePath(name).suffix.lower()
    if suffix in PARQUET:
        with source() as file:
            yield _parquet(file)
        return
    with opened(source) as (lines, warning):
        if suffix in JSON_LINES:
            yield Table(_json_lines(lines), warning=warning)
        else:
            chosen = delimiter or (None if suffix == ".csv" else "\t")
            delimited = Delimited(lines, chosen, header)
            yield Table(iter(delimited), delimited, warning=warning)


def _json_lines(lines: Iterator[str]) -> Iterator[Record]:
    for row, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            value = json.loads(line)
            value = _whole(value) if "\\u" in line else value
        except (ValueError, RecursionError):
            yield Record(row, {}, f"row {row} isn't JSON, and was left out")
            continue
        yield Record(row, value if isinstance(value, dict) else {"text": value})


def _whole(value: Any) -> Any:
    """The value without halves of surrogate pairs, which `\\ud83d` alone would be."""
    match value:
        case str():
            return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        case dict():
            return {_whole(key): _whole(each) for key, each in value.items()}
        case list():
            return [_whole(each) for each in value]
    return value


def _parquet(file: BinaryIO) -> Table:
    try:
        from pyarrow import ArrowException, parquet
    except ImportError:
        raise MissingDependency(
            "Reading Parquet needs the package pyarrow.", "Install it with: pip install 'ragbraid[tables]'."
        ) from None
    try:
        opened_file = parquet.ParquetFile(file)
    except (ArrowException, OSError) as error:
        raise _damaged(error) from None

    def records() -> Iterator[Record]:
        row = 0
        try:
            for batch in opened_file.iter_batches(batch_size=_ROWS):
                for cells in _to_microseconds(batch).to_pylist():
                    row += 1
                    yield Record(row, cells)
        except (ArrowException, OSError) as error:
            raise _damaged(error) from None

    return Table(records(), fixed=tuple(opened_file.schema_arrow.names))


def _to_microseconds(batch: Any) -> Any:
    """A batch whose times Python can hold: finer ones are cut to microseconds."""
    import pyarrow

    coarser = {
        "timestamp[ns]": pyarrow.timestamp("us"),
        "time64[ns]": pyarrow.time64("us"),
        "duration[ns]": pyarrow.duration("us"),
    }
    columns, names = [], batch.schema.names
    for column in batch.columns:
        kind = column.type
        wanted = coarser.get(str(kind).partition(",")[0].rstrip("]") + "]")
        if wanted is not None and getattr(kind, "tz", None):
            wanted = pyarrow.timestamp("us", tz=kind.tz)
        columns.append(column if wanted is None else column.cast(wanted, safe=False))
    return pyarrow.RecordBatch.from_arrays(columns, names=names)


def _damaged(error: Exception) -> LoadError:
    first = str(error).strip().splitlines() or ["no reason given"]
    return LoadError(f"It is damaged, or no Parquet file ({first[0][:200]}).", "Write it anew.")
