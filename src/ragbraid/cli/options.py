"""The options that several commands share."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from ragbraid.cli import values
from ragbraid.errors import InputError, MissingDependency

if TYPE_CHECKING:
    from ragbraid import Pipeline

_NO_LIMIT = 10_000

PipelineFile = Annotated[
    Path | None,
    typer.Option(
        "--pipeline",
        "-p",
        metavar="FILE",
        autocompletion=values.pipelines,
        help="The pipeline file. Without it: ragbraid.yaml of this folder or of one above, "
        "else the built-in local pipeline.",
    ),
]
FileArgument = Annotated[
    Path | None, typer.Argument(metavar="[FILE]", help="As with -p.", autocompletion=values.pipelines)
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
        "--allow",
        metavar="CODE",
        autocompletion=values.code,
        help="Let the pipeline run this .py file or module. Repeatable.",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, and nothing else, on standard output.")]
Collection = Annotated[
    str | None,
    typer.Option(
        "--collection",
        metavar="NAME",
        autocompletion=values.collections,
        help="Look only in this collection.",
    ),
]
IntoCollection = Annotated[
    str | None,
    typer.Option(
        "--collection",
        metavar="NAME",
        autocompletion=values.collections,
        help="Put them into this collection.",
    ),
]
Quiet = Annotated[bool, typer.Option("--quiet", help="Print no progress.")]
FilterText = Annotated[
    str | None,
    typer.Option("--filter", metavar="JSON", help='Only where metadata fits, e.g. {"lang": "en"}.'),
]
Limit = Annotated[
    int | None, typer.Option("--limit", metavar="N", min=1, help="Ask only N questions, taken evenly.")
]
Question = Annotated[str, typer.Argument(metavar="QUESTION", help="In quotes.")]
Timeout = Annotated[
    float | None, typer.Option("--timeout", metavar="SECONDS", min=0.001, help="Give up after this time.")
]


class Group(TyperGroup):
    """A group of commands whose summaries are never cut, in help texts as in a shell's completion."""

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command of that name, its whole first sentence as its summary."""
        command = super().get_command(ctx, cmd_name)
        if command is not None and not command.short_help:
            command.short_help = command.get_short_help_str(_NO_LIMIT)
        return command


class Command(TyperCommand):
    """A command whose usage line names its arguments as its help does, without Typer's braces."""

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """What stands after the command's name."""
        return [each.strip("{}") for each in super().collect_usage_pieces(ctx)]

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the arguments; a question whose words came one by one is told how it is written."""
        asks = self.params[0].name == "question"
        ctx.allow_extra_args = ctx.allow_extra_args or asks
        rest: list[str] = super().parse_args(ctx, args)
        if asks and rest and not ctx.resilient_parsing:
            ctx.fail("A question is one argument: put it in quotes.")
        return rest


def one_file(file: Path | None, pipeline: Path | None) -> Path | None:
    """The pipeline file that is named as an argument or with -p. Raises `InputError` where both are."""
    if file is not None and pipeline is not None:
        raise InputError("Two files are named, one of them with -p.", "Take one after the other.")
    return file or pipeline


def load(file: Path | None, overrides: list[str] | None, allow: list[str] | None) -> Pipeline:
    """Load the pipeline that the options name."""
    from ragbraid import Pipeline
    from ragbraid.pipeline.overrides import parse_overrides

    return Pipeline.load(file, set=parse_overrides(overrides or ()), allow=allow or ())


def demand_stored(pipeline: Pipeline, flow: str, collection: str | None) -> None:
    """Say that nothing is stored before a question loads a model; a missing flow is told by the question."""
    if flow in pipeline.flows:
        pipeline.demand_stored(collection=collection)


@contextmanager
def serving() -> Iterator[None]:
    """Say what to install where an import inside fails for want of the extra `serve`."""
    try:
        yield
    except ImportError as error:
        raise MissingDependency(
            f"Serving needs the package {error.name}.", "Install it with: pip install 'ragbraid[serve]'."
        ) from None


def parse_filter(text: str | None, option: str = "--filter") -> dict[str, Any] | None:
    """The object that `--filter`, or another option, gives. Raises `InputError` where it is none."""
    if text is None:
        return None
    try:
        value = json.loads(text)
    except ValueError as error:
        raise InputError(
            f"{option} is not JSON: {error}.", f"""Write for example {option} '{{"lang": "en"}}'."""
        ) from None
    if not isinstance(value, dict):
        raise InputError(
            f"{option} is not a JSON object.", f"""Write for example {option} '{{"lang": "en"}}'."""
        )
    return value
