"""`ragbraid ingest`: bring the index up to date with files and folders."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from ragbraid.cli import failures, leftovers, options, output, progress

if TYPE_CHECKING:
    from ragbraid.ingest.report import IngestReport


def command(
    paths: Annotated[
        list[str] | None,
        typer.Argument(metavar="[PATH...]", help="Files and folders, or URLs of them."),
    ] = None,
    prune: Annotated[
        bool, typer.Option("--prune", help="Also remove sources under these paths whose files are gone.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only tell what would be done; embed and write nothing.")
    ] = False,
    collection: options.IntoCollection = None,
    pipeline: options.PipelineFile = None,
    overrides: options.Overrides = None,
    allow: options.Allow = None,
    as_json: options.AsJson = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print no progress and no summary.")] = False,
) -> None:
    """Read files and folders into the index.

    What is unchanged since the last time costs nothing. Without a PATH, what the pipeline itself names is
    read, such as a database.

    For example: ragbraid ingest docs handbook.pdf
    """
    try:
        with (
            options.load(pipeline, overrides, allow) as loaded,
            progress.ingest(quiet, dry_run=dry_run) as told,
        ):
            report = loaded.ingest(
                paths or (),
                collection=collection,
                prune=prune,
                dry_run=dry_run,
                on_found=told.on_found,
                on_progress=told.on_progress,
                on_notice=output.say,
            )
    except KeyboardInterrupt:
        output.say("Interrupted. Every source named so far is kept; run the command again to go on.")
        raise
    leftovers.say(report, quiet=quiet)
    if as_json:
        from ragbraid.serial import to_json

        output.print_json(to_json(report))
    elif not quiet:
        output.show(_summary(report, paths or [], dry_run))
    if report.failed:
        raise typer.Exit(failures.DONE_IN_PART)


def _summary(report: IngestReport, paths: list[str], dry_run: bool) -> str:
    counts = {kind: getattr(report, kind) for kind in ("new", "changed", "renamed", "removed", "unchanged")}
    counts |= {"gone but kept (see --prune)": report.gone}
    counts |= {"skipped": len(report.skipped), "failed": len(report.failed)}
    told = ", ".join(f"{count} {kind}" for kind, count in counts.items() if count)
    if not told and not paths:
        return "Nothing was found."
    if not told:
        return (
            f"No documents were found under {output.one_line(', '.join(paths))}, hidden and ignored files "
            "left out: name a folder that holds some, or a file."
        )
    if dry_run:
        return f"It would be: {told}. Nothing was written."
    return f"{told}: {progress.chunks(report.chunks)} in {report.seconds:.1f} s."
