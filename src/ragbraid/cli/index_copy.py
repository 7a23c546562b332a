"""`ragbraid index copy`: what one store holds, into another."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ragbraid.cli import options, output, progress
from ragbraid.cli.progress import chunks
from ragbraid.text.counted import counted


def copy(
    source: Annotated[Path, typer.Argument(metavar="FROM", help="A pipeline file, whose index is copied.")],
    target: Annotated[Path, typer.Argument(metavar="TO", help="A pipeline file, whose index it goes to.")],
    collection: Annotated[
        list[str] | None, typer.Option("--collection", help="Copy this one alone; may be repeated.")
    ] = None,
    overrides: options.Overrides = None,
    allow: options.Allow = None,
    as_json: options.AsJson = False,
) -> None:
    """Copy an index into one of another store, without embedding again.

    Sources, documents, chunks, metadata and vectors are compared by their sums when they are there. What else
    the second index holds stays. Interrupted, it goes on from there. `--set` is for both files.

    For example: ragbraid index copy ragbraid.yaml postgres.yaml
    """
    from ragbraid.index.transfer import transfer

    tenths: dict[str, int] = {}

    def told(name: str, done: int, goal: int) -> None:
        tenth = 10 * done // max(1, goal)
        if tenth > tenths.get(name, 0) and not as_json:
            tenths[name] = tenth
            output.say(f"{output.one_line(name)}: {done} of {counted(goal, 'source')} copied.")

    with (
        options.load(source, overrides, allow) as first,
        options.load(target, overrides, allow) as second,
        progress.waiting("Copying …", quiet=as_json),
    ):
        found = transfer(first.whole_index(), second.whole_index(), collection, told=told)
    if as_json:
        from ragbraid.serial import to_json

        output.print_json({"collections": to_json(found)})
        return
    for each in found:
        present = f", {each.present} of them there before" if each.present else ""
        name = output.one_line(each.collection)
        output.show(f"{name}  {counted(each.sources, 'source')}, {chunks(each.chunks)}{present}")
    output.say("Both indexes hold the same of it: every sum was compared.")
