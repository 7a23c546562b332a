"""`ragbraid check`: every problem of a pipeline file at once."""

from __future__ import annotations

from typing import Annotated

import typer

from ragbraid.cli import failures, options, output


def command(
    file: options.FileArgument = None,
    pipeline: options.PipelineFile = None,
    overrides: options.Overrides = None,
    allow: options.Allow = None,
    no_env: Annotated[
        bool, typer.Option("--no-env", help="Don't demand that environment variables are set.")
    ] = False,
    as_json: options.AsJson = False,
) -> None:
    """Check a pipeline file without running it.

    Every mistake is named at once, with line and column. No weights, no network, no writes.

    For example: ragbraid check ragbraid.yaml
    """
    from ragbraid.pipeline.check import check
    from ragbraid.pipeline.find import find
    from ragbraid.pipeline.overrides import parse_overrides

    source = find(options.one_file(file, pipeline))
    checked = check(source, set=parse_overrides(overrides or ()), allow=allow or (), env=not no_env)
    if as_json:
        problems = [each.to_json() for each in checked.diagnostics]
        output.print_json({"file": source.name, "right": not problems, "problems": problems})
    else:
        for diagnostic in checked.diagnostics:
            head = [(f"{diagnostic.place}: ", None), ("error: ", "red")]
            output.show(diagnostic.message, head=head, hanging=4)
    if checked.diagnostics:
        raise typer.Exit(failures.WRONG_INPUT)
    if not as_json:
        output.show(f"{source.name} is right.")
