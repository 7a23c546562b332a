"""`ragbraid check`: every problem of a pipeline file at once."""

from __future__ import annotations

from typing import Annotated

import typer

from ragbraid.cli import failures, options, output


def command(
    pipeline: options.PipelineFile = None,
    overrides: options.Overrides = None,
    allow: options.Allow = None,
    no_env: Annotated[
        bool, typer.Option("--no-env", help="Don't demand that environment variables are set.")
    ] = False,
) -> None:
    """Check a pipeline file without running it.

    Every mistake is named at once, with line and column. No weights, no network, no writes.

    For example: ragbraid check -p ragbraid.yaml
    """
    from ragbraid.pipeline.check import check
    from ragbraid.pipeline.find import find
    from ragbraid.pipeline.overrides import parse_overrides

    source = find(pipeline)
    checked = check(source, set=parse_overrides(overrides or ()), allow=allow or (), env=not no_env)
    for diagnostic in checked.diagnostics:
        output.show(str(diagnostic))
    if checked.diagnostics:
        raise typer.Exit(failures.WRONG_INPUT)
    output.show(f"{source.name} is right.")
