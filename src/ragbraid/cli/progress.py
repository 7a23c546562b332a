"""Progress on standard error: a bar on a terminal, plain lines elsewhere, nothing when quiet."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ragbraid.cli import output

if TYPE_CHECKING:
    from rich.progress import Progress

    from ragbraid.ingest.report import Committed

SIGNS = {"new": "+", "changed": "~", "renamed": ">", "removed": "-"}


@contextmanager
def ingest(quiet: bool) -> Iterator[Callable[[Committed], None] | None]:
    """Yields what `Pipeline.ingest` calls after each commit: the line that names a source acknowledges it."""
    if quiet:
        yield None
    elif not sys.stderr.isatty():
        yield lambda committed: output.say(_line(committed))
    else:
        from rich.markup import escape

        with _bar("sources") as bar:
            task = bar.add_task("Scanning", total=None)

            def show(committed: Committed) -> None:
                name = escape(output.printable(committed.source))
                bar.update(task, description=name, completed=committed.done, total=committed.total)

            yield show


def _line(committed: Committed) -> str:
    chunks = f"  {committed.chunks} chunks" if committed.chunks else ""
    return f"{SIGNS[committed.kind]} {committed.source}{chunks}"


@contextmanager
def download(name: str, quiet: bool) -> Iterator[Callable[[int, int], None] | None]:
    """Yields what `models.fetch.get` calls with the bytes that are there and those there will be."""
    if quiet or not sys.stderr.isatty():
        yield None
        return
    with _bar("bytes") as bar:
        task = bar.add_task(name, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _bar(unit: str) -> Progress:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )

    counted = (
        (DownloadColumn(), TransferSpeedColumn())
        if unit == "bytes"
        else (MofNCompleteColumn(), TextColumn("{task.speed:.1f}/s"))
    )
    columns = (TextColumn("{task.description}"), BarColumn(), *counted, TimeRemainingColumn())
    return Progress(*columns, console=Console(stderr=True), transient=True)
