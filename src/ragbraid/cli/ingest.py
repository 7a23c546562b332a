"""`ragbraid ingest`: bring the index up to date with files and folders."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from ragbraid.cli import failures, options, output, progress

if TYPE_CHECKING:
    from ragbraid.ingest.report import Report


def command(
    paths: Annotated[list[str], typer.Argument(metavar="PATH", help="Files and folders.")],
    prune: Annotated[
        bool, typer.Option("--prune", help="Also remove what the index has beyond these paths.")
    ] = False,
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
            report = loaded.ingest(paths, prune=prune, on_progress=on_progress)
    except KeyboardInterrupt:
        output.say("Interrupted. Every source named so far is kept; run the command again to go on.")
        raise
    for each in report.failed:
        output.say(f"failed: {each.source}: {each.reason}")
    if as_json:
        from ragbraid.serial import to_json

        output.print_json(to_json(report))
    elif not quiet:
        output.show(_summary(report))
    if report.failed:
        raise typer.Exit(failures.DONE_IN_PART)


def _summary(report: Report) -> str:
    kinds = ("new", "changed", "renamed", "removed", "unchanged")
    counts = [f"{getattr(report, kind)} {kind}" for kind in kinds if getattr(report, kind)]
    counts += [f"{len(report.skipped)} skipped"] * bool(report.skipped)
    counts += [f"{len(report.failed)} failed"] * bool(report.failed)
    return f"{', '.join(counts) or 'Nothing to do'}: {report.chunks} chunks in {report.seconds:.1f} s."
