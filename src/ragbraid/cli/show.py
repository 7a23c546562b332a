"""`ragbraid show`: the pipeline as a tree, or as a drawing."""

from __future__ import annotations

import shutil
from typing import Annotated, Literal, get_args

import typer

from ragbraid.cli import options, output

Format = Literal["tree", "mermaid", "svg", "dot", "json"]


def command(
    form: Annotated[
        Format,
        typer.Option(
            "--format",
            metavar="FORMAT",
            help="tree, mermaid, svg, dot or json.",
            autocompletion=lambda: list(get_args(Format)),
        ),
    ] = "tree",
    pipeline: options.PipelineFile = None,
    overrides: options.Overrides = None,
    allow: options.Allow = None,
    as_json: options.AsJson = False,
) -> None:
    """Show the pipeline as a tree, or as a drawing.

    Components, flows, and what each step reads and gives; settings that aren't at their defaults.
    Nothing is run.

    For example: ragbraid show --format svg > pipeline.svg
    """
    from ragbraid.errors import PipelineFileError
    from ragbraid.pipeline.check import check
    from ragbraid.pipeline.find import find
    from ragbraid.pipeline.graphing import graph_of
    from ragbraid.pipeline.overrides import parse_overrides

    checked = check(find(pipeline), set=parse_overrides(overrides or ()), allow=allow or ())
    if checked.pipeline is None:
        raise PipelineFileError(checked.diagnostics)
    graph = graph_of(checked.pipeline)
    match "json" if as_json else form:
        case "tree":
            from ragbraid.pipeline.drawing.tree import tree

            for line in tree(graph, shutil.get_terminal_size().columns).split("\n"):
                output.show(line, bold=line[:1].isalpha())
        case "mermaid":
            from ragbraid.pipeline.drawing.mermaid import mermaid

            output.show(mermaid(graph).rstrip())
        case "svg":
            from ragbraid.pipeline.drawing.svg import svg

            output.show(svg(graph).rstrip())
        case "dot":
            from ragbraid.pipeline.drawing.dot import dot

            output.show(dot(graph).rstrip())
        case "json":
            from ragbraid.serial import to_json

            output.print_json(to_json(graph))
