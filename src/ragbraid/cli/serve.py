"""`ragbraid serve`: pipelines as a service."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ragbraid.cli import options, output, values
from ragbraid.errors import MissingDependency

if TYPE_CHECKING:
    from ragbraid import Pipeline

PipelineFiles = Annotated[
    list[Path] | None,
    typer.Option(
        "--pipeline",
        "-p",
        metavar="FILE",
        autocompletion=values.pipelines,
        help="A pipeline file; repeat it to serve several. Without it as with other commands.",
    ),
]


def command(
    pipeline: PipelineFiles = None,
    host: Annotated[str, typer.Option(metavar="ADDRESS", help="Where to listen.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(metavar="PORT", min=0, max=65535, help="0 takes a free one.")] = 8000,
    allow_host: Annotated[
        list[str] | None,
        typer.Option("--allow-host", metavar="NAME", help="A name that the server goes by. Repeatable."),
    ] = None,
    overrides: options.Overrides = None,
    allow: options.Allow = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print where it listens as JSON, and nothing else.")
    ] = False,
) -> None:
    """Serve pipelines: OpenAI's API under /v1, ragbraid's own under /api, described at /openapi.json.

    It listens on this machine alone unless --host says otherwise. Ctrl-C or SIGTERM ends it.

    For example: ragbraid serve -p ragbraid.yaml --port 8000
    """
    try:
        from ragbraid.serve.app import build
        from ragbraid.serve.server import run
        from ragbraid.serve.settings import Settings
    except ImportError as error:
        raise MissingDependency(
            f"Serving needs the package {error.name}.", "Install it with: pip install 'ragbraid[serve]'."
        ) from None
    settings = Settings(host=host, port=port, hosts=tuple(allow_host or ()))
    loaded = _load(pipeline, overrides, allow)

    def listening(address: str) -> None:
        if as_json:
            output.print_json_line({"url": address, "pipelines": [each.name for each in loaded]})
        else:
            output.say(f"Serving {', '.join(each.name for each in loaded)} on {address}; Ctrl-C ends it.")

    run(build(loaded, settings), settings, listening)


def _load(files: list[Path] | None, overrides: list[str] | None, allow: list[str] | None) -> list[Pipeline]:
    named: Sequence[Path | None] = files or [None]
    return [options.load(each, overrides, allow) for each in named]
