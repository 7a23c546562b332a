"""The options that several commands share."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand

from ragbraid.errors import InputError

if TYPE_CHECKING:
    from ragbraid import Pipeline

PipelineFile = Annotated[
    Path | None,
    typer.Option(
        "--pipeline",
        "-p",
        metavar="FILE",
        help="The pipeline file. Without it: ragbraid.yaml of this folder or of one above, "
        "else the built-in local pipeline.",
    ),
]
Overrides = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="Override a setting, e.g. search.maxsim.candidates=50. Repeatable.",
    ),
]
Allow = Annotated[
    list[str] | None,
    typer.Option(
        "--allow", metavar="CODE", help="Let the pipeline run this .py file or module. Repeatable."
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, and nothing else, on standard output.")]
Collection = Annotated[
    str | None, typer.Option("--collection", metavar="NAME", help="Look only in this collection.")
]
FilterText = Annotated[
    str | None,
    typer.Option("--filter", metavar="JSON", help='Only where metadata fits, e.g. {"lang": "en"}.'),
]


class Command(TyperCommand):
    """A command whose usage line names its arguments as its help does, without Typer's braces."""

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """What stands after the command's name."""
        return [each.strip("{}") for each in super().collect_usage_pieces(ctx)]


def load(file: Path | None, overrides: list[str] | None, allow: list[str] | None) -> Pipeline:
    """Load the pipeline that the options name."""
    from ragbraid import Pipeline
    from ragbraid.pipeline.overrides import parse_overrides

    return Pipeline.load(file, set=parse_overrides(overrides or ()), allow=allow or ())


def parse_filter(text: str | None) -> dict[str, Any] | None:
    """The filter that `--filter` gives; raises `InputError` where it is no JSON object."""
    if text is None:
        return None
    try:
        value = json.loads(text)
    except ValueError as error:
        raise InputError(
            f"--filter is not JSON: {error}.", """Write for example --filter '{"lang": "en"}'."""
        ) from None
    if not isinstance(value, dict):
        raise InputError("--filter is not a JSON object.", """Write for example --filter '{"lang": "en"}'.""")
    return value
