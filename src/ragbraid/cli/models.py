"""`ragbraid models`: the weights that pipelines use."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ragbraid.cli import failures, options, output, progress, values

if TYPE_CHECKING:
    from ragbraid.models.listing import Entry

app = typer.Typer(
    help="The models that pipelines use: weights on this machine.",
    no_args_is_help=True,
    cls=options.Group,
)

Names = Annotated[
    list[str],
    typer.Argument(metavar="NAME...", help="Names from the catalogue.", autocompletion=values.models),
]


_Model = Annotated[str, typer.Argument(metavar="MODEL", help="A folder, or a hub id that is here.")]
_Revision = Annotated[
    str | None,
    typer.Option("--revision", metavar="NAME", help="Of a model from the hub: a branch, tag or commit."),
]


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
        typer.Argument(
            metavar="[NAME...]",
            help="Names from the catalogue, or hub ids.",
            show_default=False,
            autocompletion=values.models,
        ),
    ] = None,
    source: Annotated[
        Path | None,
        typer.Option(
            "--from",
            metavar="FOLDER",
            help="Take the files from here, not from the network. Without names: every model in it.",
        ),
    ] = None,
    revision: _Revision = None,
    as_json: options.AsJson = False,
    quiet: options.Quiet = False,
) -> None:
    """Fetch models into the user's cache.

    Each is checked against its checksum; what is already there and right is not fetched again. A download
    from the hub that broke off goes on where it was. Where one of several can't be had, the others are.

    For example: ragbraid models get all-minilm-l6-v2 smollm2-135m-instruct
    """
    from ragbraid.errors import RagbraidError
    from ragbraid.serial import to_json

    wanted = names or _in_bundle(source)
    had: dict[str, str | RagbraidError] = {}
    for name in wanted:
        try:
            had[name] = str(_fetch(name, source, quiet, revision))
            _prepare(name, quiet=quiet or as_json)
        except RagbraidError as error:
            if len(wanted) == 1:
                raise
            had[name] = error
        if not as_json:
            (output.say if isinstance(had[name], RagbraidError) else output.show)(f"{name}: {had[name]}")
    if as_json:
        output.print_json(to_json(had))
    failed = [each for each in had.values() if isinstance(each, RagbraidError)]
    if failed:
        raise typer.Exit(failures.DONE_IN_PART if len(failed) < len(had) else failed[0].exit_code)


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
            output.show(f"{name}: {output.size(freed[name])} are free again.")
    if as_json:
        output.print_json(freed)


@app.command("bundle", cls=options.Command)
def bundle(
    names: Names,
    to: Annotated[Path, typer.Option("--to", metavar="FOLDER", help="The folder to make or add to.")],
    as_json: options.AsJson = False,
    quiet: options.Quiet = False,
) -> None:
    """Make a folder to carry to a machine without network.

    It holds the models, fetched first where they aren't here, and requirements.txt, the packages to
    take along. There, `ragbraid models get --from FOLDER` takes the models.

    For example: ragbraid models bundle all-minilm-l6-v2 --to FOLDER
    """
    from ragbraid.models.bundle import REQUIREMENTS
    from ragbraid.models.bundle import bundle as make

    with progress.waiting(f"Copying to {to} …", quiet=quiet or as_json) as clear:

        def fetch(name: str) -> Path:
            clear()  # it shows a bar of its own
            return _fetch(name, None, quiet)

        made = make(names, to, fetch=fetch)
    if as_json:
        output.print_json({"models": [str(each) for each in made], "requirements": str(to / REQUIREMENTS)})
        return
    for each in made:
        output.show(f"{each.name}: {each}")
    output.show(f"The packages to take along are named in {to / REQUIREMENTS}.")


@app.command("convert", cls=options.Command)
def convert(
    model: _Model,
    to: Annotated[Path, typer.Option("--to", metavar="FILE", help="The GGUF file to write.")],
    packing: Annotated[
        str, typer.Option("--type", metavar="TYPE", help="How matrices are packed: f32, f16, q8_0 or q4_0.")
    ] = "f16",
    revision: _Revision = None,
    as_json: options.AsJson = False,
    quiet: options.Quiet = False,
) -> None:
    """Write a GPT-NeoX model, such as Pythia, as a GGUF file for llama.cpp.

    For example: ragbraid models convert EleutherAI/pythia-160m --to FILE --type q8_0
    """
    from typing import get_args

    from ragbraid.errors import InputError
    from ragbraid.models.convert.gguf_file import Packing
    from ragbraid.models.convert.gguf_file import convert as write
    from ragbraid.models.locate import locate

    known = {str(each): each for each in get_args(Packing)}
    if packing not in known:
        raise InputError(f"--type is {packing!r}.", f"Give one of {', '.join(known)}.")
    with progress.waiting(f"Converting {model} …", quiet=quiet or as_json):
        write(locate(model, revision, kind="generator"), to, known[packing])
    size = to.stat().st_size
    if as_json:
        output.print_json({"file": str(to), "type": packing, "bytes": size})
        return
    output.show(f"{to}: {output.size(size)}")


@app.command("quantize", cls=options.Command)
def quantize(
    model: _Model,
    to: Annotated[Path, typer.Option("--to", metavar="FOLDER", help="The folder to make.")],
    ternary: Annotated[
        bool, typer.Option("--ternary", help="Weights of -1, 0 and 1, as BitNet b1.58 is trained.")
    ] = False,
    text: Annotated[Path | None, typer.Option(metavar="FILE", help="Measure the loss on this text.")] = None,
    revision: _Revision = None,
    as_json: options.AsJson = False,
    quiet: options.Quiet = False,
) -> None:
    """Pack a model that was trained with ternary weights, four in a byte.

    The loss is measured first; a model that was trained otherwise is refused.

    For example: ragbraid models quantize microsoft/bitnet-b1.58-2B-4T-bf16 --ternary --to FOLDER
    """
    from dataclasses import asdict

    from ragbraid.errors import InputError
    from ragbraid.models.locate import locate

    if not ternary:
        raise InputError("Nothing says how to quantize.", "Give --ternary.")
    folder = locate(model, revision, kind="generator")
    from ragbraid.generate.bitnet.quantize import SAMPLE
    from ragbraid.generate.bitnet.quantize import quantize as pack

    with progress.waiting(f"Packing {model} …", quiet=quiet or as_json):
        found = pack(folder, to, SAMPLE if text is None else _text(text))
    if as_json:
        output.print_json({"folder": str(to), **asdict(found)})
        return
    output.show(
        f"{to}: {found.bits:.2f} bits a weight, {found.after:.2f} nats a token ({found.before:.2f} before)."
    )


def _text(path: Path) -> str:
    from ragbraid.errors import InputError

    try:
        return path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise InputError(f"The text {path} can't be read: {error}.") from error


def _prepare(name: str, *, quiet: bool) -> None:
    """Convert and prove the model for this machine now: the first question would have to wait for it."""
    from ragbraid.errors import RagbraidError
    from ragbraid.models.catalogue import catalogue

    model = catalogue().get(name)
    if model is None:
        return
    with progress.waiting(f"Preparing {name} for this machine …", quiet=quiet), suppress(RagbraidError):
        # What can't be prepared is computed by another engine, and `doctor` says so.
        if model.kind == "generator":
            from ragbraid.generate.local import prepare
        else:
            from ragbraid.embed.engines import prepare
        prepare(name)


def _line(entry: Entry) -> str:
    model = entry.model
    size = "" if entry.size is None else "~" * (not model.files) + output.size(entry.size)
    memory = "" if model.memory is None else f"{model.memory:g} GB"
    mark = {"installed": "*", "in part": "+", "damaged": "!", "absent": " "}[entry.state]
    languages = ",".join(model.languages) if len(model.languages) <= 3 else str(len(model.languages))
    languages = languages.replace("multilingual", "many")
    return _row(f"{mark} {model.name}", size, memory, languages, model.licence)


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


def _fetch(name: str, source: Path | None, quiet: bool, revision: str | None = None) -> Path:
    from ragbraid.models.fetch import get as fetch

    def waiting(holder: str) -> None:
        if not quiet:
            output.say(f"Another process ({holder}) is busy with {name}; waiting for it.")

    try:
        with progress.download(name, quiet) as on_progress:
            return fetch(name, revision, source=source, on_progress=on_progress, on_wait=waiting)
    except KeyboardInterrupt:
        output.say("Interrupted. Run the command again: a download from the hub goes on where it was.")
        raise
