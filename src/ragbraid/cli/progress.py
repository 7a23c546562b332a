"""Progress on standard error: a bar on a terminal, plain lines elsewhere, nothing when quiet."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ragbraid.cli import output

if TYPE_CHECKING:
    from rich.progress import Progress as Bar
    from rich.progress import ProgressColumn

    from ragbraid.ingest.report import Progress

SIGNS = {"new": "+", "changed": "~", "renamed": ">", "removed": "-"}


def chunks(count: int) -> str:
    """A number of chunks, in words."""
    return f"{count} chunk{'s' * (count != 1)}"


@contextmanager
def ingest(quiet: bool) -> Iterator[Callable[[Progress], None] | None]:
    """Yields what `Pipeline.ingest` calls for each source: the line that names it acknowledges it."""
    if quiet:
        yield None
    elif not sys.stderr.isatty():
        yield _acknowledge
    else:
        from rich.markup import escape
        from rich.progress import MofNCompleteColumn, TextColumn

        with _bar(MofNCompleteColumn(), TextColumn("{task.fields[rate]}")) as bar:
            task = bar.add_task("Reading", total=None, rate="")

            def advance(progress: Progress) -> None:
                name = escape(output.one_line(progress.source))
                rate = f"{bar.tasks[task].speed or 0:.1f}/s"
                bar.update(task, description=name, completed=progress.done, total=progress.total, rate=rate)

            yield advance


def _acknowledge(progress: Progress) -> None:
    if progress.kind in SIGNS:
        size = "" if progress.kind == "removed" else f"  {chunks(progress.chunks)}"
        output.say(f"{SIGNS[progress.kind]} {output.one_line(progress.source)}{size}")


@contextmanager
def download(name: str, quiet: bool) -> Iterator[Callable[[int, int], None] | None]:
    """Yields what `models.fetch.get` calls with the bytes that are there and those there will be."""
    if quiet or not sys.stderr.isatty():
        yield None
        return
    from rich.progress import DownloadColumn, TransferSpeedColumn

    with _bar(DownloadColumn(), TransferSpeedColumn()) as bar:
        task = bar.add_task(name, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _bar(*counts: ProgressColumn) -> Bar:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), *counts, TimeRemainingColumn())
    return Progress(*columns, console=Console(stderr=True), transient=True)
