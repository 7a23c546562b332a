"""A study's rows as figures with intervals, and as a table on disk."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from ragbraid.errors import MissingDependency
from ragbraid.evaluate.statistics import interval
from ragbraid.evaluate.study.contexts import NONE
from ragbraid.evaluate.study.run import Row
from ragbraid.replacing import replacing


@dataclass(frozen=True, slots=True)
class Figure:
    """A mean over questions with its 95% bootstrap interval."""

    value: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Figure:
        """Of at least one value."""
        return cls(sum(values) / len(values), *interval(values))


@dataclass(frozen=True, slots=True)
class Cell:
    """A checkpoint in a context: nats a token of the answer, their gain over no context, how often it copied.

    The gain is paired: the mean of each question's own difference.
    """

    model: str
    parameters: int
    step: int
    context: str
    logprob: Figure
    gain: Figure
    copied: Figure | None


def cells(rows: Sequence[Row]) -> list[Cell]:
    """One for each model, step and context, in the order of the rows."""
    grouped: dict[tuple[str, int, str], list[Row]] = defaultdict(list)
    for row in rows:
        grouped[row.model, row.step, row.context].append(row)
    alone = {(row.model, row.step, row.question): row.logprob for row in rows if row.context == NONE}
    found = []
    for (model, step, context), held in grouped.items():
        copied = [float(row.copied) for row in held if row.copied is not None]
        gains = [row.logprob - alone[model, step, row.question] for row in held]
        found.append(
            Cell(
                model,
                held[0].parameters,
                step,
                context,
                Figure.of([row.logprob for row in held]),
                Figure.of(gains),
                Figure.of(copied) if copied else None,
            )
        )
    return found


def save_table(path: Path, rows: Sequence[Row]) -> None:
    """Write the rows as a Parquet file, in one move. Raises `MissingDependency` without pyarrow."""
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError as error:
        raise MissingDependency(
            "Parquet tables need pyarrow, which isn't installed.", "Run `pip install 'ragbraid[study]'`."
        ) from error
    columns: dict[str, list[Any]] = {each.name: [] for each in fields(Row)}
    for row in rows:
        for name, value in asdict(row).items():
            columns[name].append(value)
    with replacing(path) as beside:
        parquet.write_table(pyarrow.table(columns), beside)
