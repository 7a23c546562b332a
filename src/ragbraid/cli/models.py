"""`ragbraid models`: the weights that pipelines use."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ragbraid.cli import options, output, progress

app = typer.Typer(
    help="The models that pipelines use: weights on this machine.",
    no_args_is_help=True,
)


@app.callback()
def _group() -> None:
    """The models that pipelines use: weights on this machine."""


@app.command("get", cls=options.Command)
def get(
    names: Annotated[list[str], typer.Argument(metavar="NAME...", help="Names from the catalogue.")],
    source: Annotated[
        Path | None,
        typer.Option("--from", metavar="FOLDER", help="Take the files from here, not from the network."),
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print no progress.")] = False,
) -> None:
    """Fetch models into the user's cache.

    Each is checked against its checksum; what is already there and right is not fetched again.

    For example: ragbraid models get all-minilm-l6-v2 smollm2-135m-instruct
    """
    from ragbraid.models.fetch import get as fetch

    for name in names:
        with progress.download(name, quiet) as on_progress:
            path = fetch(name, source=source, on_progress=on_progress)
        output.show(f"{name}: {path}")
