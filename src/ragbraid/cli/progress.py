"""Progress on standard error: a bar on a terminal, plain lines elsewhere, nothing when quiet."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from ragbraid.cli import output
from ragbraid.text.counted import counted

if TYPE_CHECKING:
    from ragbraid import Pipeline
    from ragbraid.ingest.report import Progress

_GONE = "\x1b[2K\r"
"""Takes a line off the terminal."""

SIGNS = {"new": "+", "changed": "~", "renamed": ">", "removed": "-"}


def chunks(count: int) -> str:
    """A number of chunks, in words."""
    return counted(count, "chunk")


class Told(NamedTuple):
    """What `Pipeline.ingest` calls for each source: once it is found, and once it is dealt with."""

    on_found: Callable[[str, int], None] | None
    on_progress: Callable[[Progress], None] | None


@contextmanager
def ingest(quiet: bool, *, dry_run: bool = False) -> Iterator[Told]:
    """Yields what `Pipeline.ingest` calls: a bar's, or the line that acknowledges a source.

    The lines of a dry run, which are all that comes of it, are told on a terminal as well.
    """
    if quiet:
        yield Told(None, None)
    elif dry_run or not sys.stderr.isatty():
        yield Told(None, _acknowledge)
    else:
        from ragbraid.cli.bar import Sources

        sources = Sources()
        with sources.bar:
            yield Told(
                lambda source, count: sources.find(output.one_line(source), count),
                lambda each: sources.advance(
                    output.one_line(each.source), each.done, each.total, unchanged=each.kind == "unchanged"
                ),
            )


@contextmanager
def asking(quiet: bool) -> Iterator[Callable[[str, int, int], None] | None]:
    """Yields what is called with what was done, how much is behind, and of how much: a bar, or nothing."""
    if quiet or not sys.stderr.isatty():
        yield None
        return
    from ragbraid.cli.bar import Sources

    things = Sources()
    with things.bar:
        yield lambda name, done, total: things.advance(output.one_line(name), done, total)


@contextmanager
def waiting(told: str, *, quiet: bool = False) -> Iterator[Callable[[], None]]:
    """A line on a terminal while something takes its time; gone at the end, or once what it yields is called.

    Nothing elsewhere, nor when quiet.
    """
    shown = not quiet and sys.stderr.isatty()

    def clear() -> None:
        nonlocal shown
        if shown:
            shown = False
            sys.stderr.write(_GONE)
            sys.stderr.flush()

    if shown:
        width = output.terminal_width(sys.stderr) or 80
        sys.stderr.write(output.shortened(output.one_line(told), width - 1))
        sys.stderr.flush()
    try:
        yield clear
    finally:
        clear()


def loading(pipeline: Pipeline, flow: str) -> str:
    """What takes the time of a first question: the weights, named, or else the index."""
    names = ", ".join(pipeline.models(flow))
    return f"Loading {names} …" if names else "Searching …"


def line(progress: Progress) -> str | None:
    """The line that names a source whose state in the index is another now; None for the others."""
    if progress.kind not in SIGNS:
        return None
    size = f"  {chunks(progress.chunks)}" if progress.chunks else ""
    return f"{SIGNS[progress.kind]} {output.one_line(progress.source)}{size}"


def _acknowledge(progress: Progress) -> None:
    told = line(progress)
    if told is not None:
        output.say(told)


@contextmanager
def download(name: str, quiet: bool) -> Iterator[Callable[[int, int], None] | None]:
    """Yields what `models.fetch.get` calls with the bytes that are there and those there will be."""
    if quiet or not sys.stderr.isatty():
        yield None
        return
    from ragbraid.cli import bar

    progress, task = bar.download(name)
    with progress:
        yield lambda done, total: progress.update(task, completed=done, total=total)
