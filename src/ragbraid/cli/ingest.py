"""`ragbraid ingest`: bring the index up to date with files and folders."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from ragbraid.cli import failures, options, output, progress

if TYPE_CHECKING:
    from ragbraid.ingest.report import IngestReport
    from ragbraid.types import Skipped


def command(
    paths: Annotated[list[str], typer.Argument(metavar="PATH...", help="Files and folders.")],
    prune: Annotated[
        bool, typer.Option("--prune", help="Also remove sources under these paths whose files are gone.")
    ] = False,
    collection: Annotated[
        str | None, typer.Option("--collection", metavar="NAME", help="Put them into this collection.")
    ] = None,
    pipeline: options.PipelineFile = None,
    overrides: options.Overrides = None,
    allow: options.Allow = None,
    as_json: options.AsJson = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print no progress and no summary.")] = False,
) -> None:
    """Read files and folders into the index.

    What is unchanged since the last time costs nothing.

    For example: ragbraid ingest docs handbook.pdf
    """
    try:
        with options.load(pipeline, overrides, allow) as loaded, progress.ingest(quiet) as on_progress:
            report = loaded.ingest(paths, collection=collection, prune=prune, on_progress=on_progress)
    except KeyboardInterrupt:
        output.say("Interrupted. Every source named so far is kept; run the command again to go on.")
        raise
    _say_what_is_left_out(report, quiet)
    if as_json:
        from ragbraid.serial import to_json

        output.print_json(to_json(report))
    elif not quiet:
        output.show(_summary(report, paths))
    if report.failed:
        raise typer.Exit(failures.DONE_IN_PART)


def _say_what_is_left_out(report: IngestReport, quiet: bool) -> None:
    if not quiet:
        for each in report.warnings:
            _say("warning", each)
        for each in report.skipped:
            _say("skipped", each)
    for each in report.failed:
        _say("failed", each)


def _say(what: str, entry: Skipped) -> None:
    output.say(output.one_line(f"{what}: {entry.source}: {entry.reason}"))


def _summary(report: IngestReport, paths: list[str]) -> str:
    counts = {kind: getattr(report, kind) for kind in ("new", "changed", "renamed", "removed", "unchanged")}
    counts |= {"gone but kept (see --prune)": report.gone}
    counts |= {"skipped": len(report.skipped), "failed": len(report.failed)}
    told = ", ".join(f"{count} {kind}" for kind, count in counts.items() if count)
    if not told:
        return (
            f"No documents were found under {output.one_line(', '.join(paths))}, hidden and ignored files "
            "left out: name a folder that holds some, or a file."
        )
    return f"{told}: {progress.chunks(report.chunks)} in {report.seconds:.1f} s."
