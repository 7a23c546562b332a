"""`ragbraid models`: the weights that pipelines use."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ragbraid.cli import options, output, progress

if TYPE_CHECKING:
    from ragbraid.models.listing import Entry

app = typer.Typer(
    help="The models that pipelines use: weights on this machine.",
    no_args_is_help=True,
)

Quiet = Annotated[bool, typer.Option("--quiet", help="Print no progress.")]
Names = Annotated[list[str], typer.Argument(metavar="NAME...", help="Names from the catalogue.")]


@app.callback()
def _group() -> None:
    """The models that pipelines use: weights on this machine."""


@app.command("list", cls=options.Command)
def list_(as_json: options.AsJson = False) -> None:
    """List the models that have a name, and which are here.

    Memory is what a model wants while it answers, on the GPU or, without one, of the machine. In a
    pipeline, a path or a hub id (owner/name) names any other model.

    For example: ragbraid models list
    """
    from ragbraid.models.listing import entries

    found = list(entries())
    if as_json:
        output.print_json([each.to_json() for each in found])
        return
    for kind in ("embedder", "generator"):
        output.show(_row(f"{kind.capitalize()}s", "size", "memory", "languages", "licence"), bold=True)
        for each in found:
            if each.model.kind == kind:
                output.show(_line(each))
        output.show()
    output.show("* installed   + fetched in part   ! damaged   (ragbraid models get NAME)")
    output.show("~ about: the hub gives its checksums with the download; they are kept then.")


@app.command("get", cls=options.Command)
def get(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[NAME...]", help="Names from the catalogue, or hub ids.", show_default=False),
    ] = None,
    source: Annotated[
        Path | None,
        typer.Option(
            "--from",
            metavar="FOLDER",
            help="Take the files from here, not from the network. Without names: every model in it.",
        ),
    ] = None,
    as_json: options.AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Fetch models into the user's cache.

    Each is checked against its checksum; what is already there and right is not fetched again. A download
    from the hub that broke off goes on where it was.

    For example: ragbraid models get all-minilm-l6-v2 smollm2-135m-instruct
    """
    paths = {}
    for name in names or _in_bundle(source):
        paths[name] = str(_fetch(name, source, quiet))
        if not as_json:
            output.show(f"{name}: {paths[name]}")
    if as_json:
        output.print_json(paths)


@app.command("remove", cls=options.Command)
def remove(names: Names, as_json: options.AsJson = False) -> None:
    """Remove models from the user's cache.

    What a broken-off download left is removed, too.

    For example: ragbraid models remove smollm2-135m-instruct
    """
    from ragbraid.models.remove import remove as take_away

    freed = {}
    for name in names:
        freed[name] = take_away(name)
        if not as_json:
            output.show(f"{name}: {size(freed[name])} are free again.")
    if as_json:
        output.print_json(freed)


@app.command("bundle", cls=options.Command)
def bundle(
    names: Names,
    to: Annotated[Path, typer.Option("--to", metavar="FOLDER", help="The folder to make or add to.")],
    as_json: options.AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Make a folder to carry to a machine without network.

    It holds the models, fetched first where they aren't here, and requirements.txt, the packages to
    take along. There, `ragbraid models get --from FOLDER` takes the models.

    For example: ragbraid models bundle all-minilm-l6-v2 --to FOLDER
    """
    from ragbraid.models.bundle import REQUIREMENTS
    from ragbraid.models.bundle import bundle as make

    made = make(names, to, fetch=lambda name: _fetch(name, None, quiet))
    if as_json:
        output.print_json({"models": [str(each) for each in made], "requirements": str(to / REQUIREMENTS)})
        return
    for each in made:
        output.show(f"{each.name}: {each}")
    output.show(f"The packages to take along are named in {to / REQUIREMENTS}.")


def size(count: int | None) -> str:
    """Bytes as people read them, and nothing where they aren't known."""
    if count is None:
        return ""
    if count < 1e6:
        return f"{count} B"
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.0f} MB"


def _line(entry: Entry) -> str:
    model = entry.model
    about = "" if model.files or entry.size is None else "~"
    memory = "" if model.memory is None else f"{model.memory:g} GB"
    mark = {"installed": "*", "in part": "+", "damaged": "!", "absent": " "}[entry.state]
    languages = ",".join(model.languages) if len(model.languages) <= 3 else str(len(model.languages))
    languages = languages.replace("multilingual", "many")
    return _row(f"{mark} {model.name}", about + size(entry.size), memory, languages, model.licence)


def _row(*cells: str) -> str:
    name, bytes_, memory, languages, licence = cells
    return f"{name:<40}{bytes_:>8}{memory:>9}  {languages:<10}{licence}".rstrip()


def _in_bundle(source: Path | None) -> list[str]:
    """The models in a bundle's folder."""
    from ragbraid.errors import InputError
    from ragbraid.models.catalogue import catalogue

    if source is None:
        raise InputError("No model is named.", "Write for example: ragbraid models get all-minilm-l6-v2.")
    found = [name for name in catalogue() if (source / name).is_dir()]
    if not found:
        raise InputError(
            f"There is no model in {source}.", "Name a folder that `ragbraid models bundle` made."
        )
    return found


def _fetch(name: str, source: Path | None, quiet: bool) -> Path:
    from ragbraid.models.fetch import get as fetch

    def waiting(holder: str) -> None:
        if not quiet:
            output.say(f"Another process ({holder}) is busy with {name}; waiting for it.")

    try:
        with progress.download(name, quiet) as on_progress:
            return fetch(name, source=source, on_progress=on_progress, on_wait=waiting)
    except KeyboardInterrupt:
        output.say("Interrupted. Run the command again: a download from the hub goes on where it was.")
        raise
