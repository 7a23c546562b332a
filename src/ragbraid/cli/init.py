"""`ragbraid init`: a pipeline file to begin with."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ragbraid.cli import interrupts, options, output
from ragbraid.cli.columns import filled, pair

if TYPE_CHECKING:
    from ragbraid.pipeline.starters import Starter


def command(
    yes: Annotated[bool, typer.Option("--yes", help="Ask nothing and take the defaults.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace a ragbraid.yaml that is there.")] = False,
    as_json: options.AsJson = False,
) -> None:
    """Write a commented ragbraid.yaml into this folder.

    Asks where your documents are, which kind of pipeline you want, and which model is to write.

    For example: ragbraid init --yes
    """
    from ragbraid.cli.files import replace
    from ragbraid.errors import InputError
    from ragbraid.pipeline.find import FILE
    from ragbraid.pipeline.starters import DEFAULT, commands, starters

    file = Path(FILE)
    taken = InputError(f"There is a {FILE} in this folder already.", "Give --force to replace it.")
    if file.exists() and not force:
        raise taken
    if not yes and not sys.stdin.isatty():
        raise InputError(
            "There is no terminal to ask three questions at.", "Give --yes to take the defaults."
        )
    known = starters()
    folder = _likely_folder()
    starter, model = known[DEFAULT], known[DEFAULT].model
    if not yes:
        folder = _folder(folder)
        starter = _starter(known, DEFAULT)
        model = _model(starter)
    text = starter.written(folder, model)
    if force:
        replace(file, text)
    else:
        try:
            with file.open("x", encoding="utf-8", newline="\n") as new:
                new.write(text)
        except FileExistsError:
            raise taken from None
    following = commands(text)
    if as_json:
        output.print_json({"file": FILE, "pipeline": starter.name, "folder": folder, "next": following})
        return
    output.show(filled(f"{FILE} is written. {starter.description}") + "\n\nNext:\n")
    for each in following:
        output.show(f"  {each}")


def _likely_folder() -> str:
    """Where the documents will be: `docs`, or the only folder where nothing lies beside it, or here."""
    from ragbraid.pipeline.find import FILE

    if Path("docs").is_dir():
        return "docs"
    beside = [each for each in Path().iterdir() if not each.name.startswith(".") and each.name != FILE]
    return _argument(beside[0].name) if len(beside) == 1 and beside[0].is_dir() else "."


def _argument(folder: str) -> str:
    """The folder as a command takes it: no option."""
    return f"./{folder}" if folder.startswith("-") else folder


def _folder(default: str) -> str:
    folder = _asked("Which folder holds your documents?", default)
    path = Path(folder).expanduser()
    if not path.is_dir():
        output.say(f"There is no folder {folder} yet; make it before you ingest it.")
    return _argument(str(path))


def _starter(known: Mapping[str, Starter], default: str) -> Starter:
    from ragbraid.pipeline.diagnostics import meant

    width = max(map(len, known)) + 7
    output.say("")
    for number, each in enumerate(known.values(), 1):
        output.say(pair(f"{number}  {each.name}", each.description, width))
    names = dict(enumerate(known, 1))
    while True:
        answer = _asked("Which kind of pipeline?", default)
        name = names.get(int(answer), answer) if answer.isdecimal() else answer
        if name in known:
            return known[name]
        output.say(f"There is no {answer!r}{meant(answer, known) or '; give a number or a name.'}")


def _model(starter: Starter) -> str | None:
    """The generator's model; a pipeline without one, or with a server's, is asked nothing."""
    if starter.model is None:
        return None
    from ragbraid.models.catalogue import catalogue
    from ragbraid.pipeline.diagnostics import meant

    known = {name: each for name, each in catalogue().items() if each.kind == "generator"}
    width = max(map(len, known)) + 4
    output.say("")
    for name, each in known.items():
        output.say(
            pair(name, f"{each.licence}, {output.size(each.size)}" if each.size else each.licence, width)
        )
    output.say(pair("./FILE.gguf", "a file of your own", width))
    while True:
        answer = _asked("Which model writes?", starter.model)
        if answer in known or "/" in answer:  # a path, or an id on the hub
            if answer.startswith((".", "~", "/")) and not Path(answer).expanduser().exists():
                output.say(f"There is no file {answer} yet; put it there before you ask.")
            return answer
        output.say(f"There is no {answer!r}{meant(answer, known) or '; give a name or a path.'}")


def _asked(question: str, default: str) -> str:
    """An answer of one line. Ctrl-C and the end of the input end the command."""
    try:
        with interrupts.prompting():
            answer: str = typer.prompt(question, default=default, err=True)
    except (typer.Abort, KeyboardInterrupt):
        output.say("\nNothing was written.")
        raise KeyboardInterrupt from None
    return output.one_line(answer.strip()) or default
