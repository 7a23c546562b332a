"""`ragbraid watch`: keep the index up to date while files change."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ragbraid.cli import leftovers, options, output, progress

if TYPE_CHECKING:
    from ragbraid.ingest.report import IngestReport, Progress


def command(
    paths: Annotated[list[str], typer.Argument(metavar="PATH...", help="Files and folders.")],
    prune: Annotated[
        bool, typer.Option("--prune", help="At the start, remove sources whose files are gone by then.")
    ] = False,
    collection: options.IntoCollection = None,
    pipeline: options.PipelineFile = None,
    overrides: options.Overrides = None,
    allow: options.Allow = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print a JSON object a line for each change, and nothing else.")
    ] = False,
) -> None:
    """Ingest, then keep the index up to date while files change.

    Prints a line for each change, once it is stored. What is deleted meanwhile is removed. Other commands
    may use the index beside it. Ctrl-C ends it.

    For example: ragbraid watch docs
    """
    with options.load(pipeline, overrides, allow) as loaded:
        watch = loaded.watch(
            paths,
            collection=collection,
            prune=prune,
            on_progress=_print_line if as_json else _print,
            on_notice=_notice,
        )
        with _ending(watch.stop):
            for number, report in enumerate(watch):
                leftovers.say(report, quiet=False)
                if number == 0:
                    output.say(
                        f"Watching {output.one_line(', '.join(paths))}{_held(report)}; Ctrl-C ends it."
                    )
    output.say("Stopped. Every change named above is stored.")


def _print(change: Progress) -> None:
    line = progress.line(change)
    if line is not None:
        output.show(line)


def _print_line(change: Progress) -> None:
    if change.kind != "unchanged":
        told = {"source": change.source, "kind": change.kind, "chunks": change.chunks}
        output.print_json_line({**told, "reason": change.reason})


def _notice(sentence: str) -> None:
    output.say(output.one_line(sentence))


def _held(report: IngestReport) -> str:
    sources = report.new + report.changed + report.renamed + report.unchanged
    return f": {sources} source{'s' * (sources != 1)}"


@contextmanager
def _ending(stop: Callable[[], None]) -> Iterator[None]:
    """Have the first Ctrl-C or SIGTERM stop the watch; a second does what it always does."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    def end(*_: Any) -> None:
        restore()
        stop()

    for number in before:
        signal.signal(number, end)
    try:
        yield
    finally:
        restore()
