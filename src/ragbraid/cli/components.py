"""`ragbraid components`: which types of component there are, and what each takes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from ragbraid.cli import options, output, values
from ragbraid.cli.columns import filled, pair

if TYPE_CHECKING:
    from ragbraid.pipeline.describe import Description, Option, Taken

_KINDS = {
    "loader": "Loaders read sources",
    "splitter": "Splitters make chunks of documents",
    "embedder": "Embedders make vectors of texts",
    "sparse embedder": "Sparse embedders weigh texts by terms",
    "index": "Indexes store chunks and find them",
    "transform": "Transforms put a question in other words",
    "retriever": "Retrievers find passages for a question",
    "reranker": "Rerankers order hits anew",
    "router": "Routers say where a question goes",
    "generator": "Generators write text",
    "answerer": "Answerers make an answer of hits",
    "step": "Other steps",
    "component": "Other components",
    "unknown": "Can't be used",
}
_STAND_INS = "testing/"


def command(
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="Describe this type.", autocompletion=values.types)
    ] = None,
    as_json: options.AsJson = False,
) -> None:
    """List the types of component, or describe one.

    Of one it tells all settings with their limits and defaults, its inputs and what it gives.

    Those of installed plug-ins are among them, with their vendor's name before a slash.

    For example: ragbraid components dense
    """
    from ragbraid.pipeline.describe import describe, every

    found = every() if name is None else describe(name)
    if as_json:
        from ragbraid.serial import to_json

        output.print_json(to_json(found))
    elif isinstance(found, list):
        _list(found)
    else:
        _show(found)


def _list(descriptions: list[Description]) -> None:
    width = max(len(each.name) for each in descriptions) + 4
    for title, members in _grouped(descriptions):
        output.show(title, bold=True)
        for each in members:
            told = " ".join(filter(None, (each.summary, each.missing)))
            output.show(pair(each.name, told, width))
        output.show()
    output.show("What one takes: ragbraid components NAME")


def _grouped(descriptions: list[Description]) -> Iterator[tuple[str, list[Description]]]:
    real = [each for each in descriptions if not each.name.startswith(_STAND_INS)]
    for kind, title in _KINDS.items():
        if members := [each for each in real if each.kind == kind]:
            yield title, members
    yield "Stand-ins for tests", [each for each in descriptions if each not in real]


def _show(found: Description) -> None:
    kind = found.kind
    title = found.name if kind == "unknown" else f"{found.name}: {output.with_article(kind)}"
    output.show(title, bold=True)
    if found.missing:
        output.show(filled(found.missing))
    for paragraph in found.doc.split("\n\n") if found.doc else ():
        output.show("\n" + filled(paragraph))
    _section("Settings", ((each.name, _option(each)) for each in found.settings))
    _section("Inputs, when it is a step", ((each.name, _input(each)) for each in found.inputs))
    if found.gives is not None:
        output.show(f"\nGives {found.gives}")
    if found.example:
        output.show(f"\nIn a file: {found.example}", hanging=2)


def _option(option: Option) -> str:
    kind = f"component: {option.type}" if option.refers else option.type
    optional = "optional" if option.default is None else f"default {option.default}"
    return ", ".join(filter(None, [kind, option.limits, "required" if option.required else optional]))


def _input(taken: Taken) -> str:
    at_once = ", all questions at once" if taken.batch else ""
    return taken.type + at_once + ("" if taken.required else ", optional")


def _section(title: str, rows: Iterable[tuple[str, str]]) -> None:
    rows = list(rows)
    if rows:
        output.show(f"\n{title}", bold=True)
        width = max(len(name) for name, _ in rows) + 4
        for name, text in rows:
            output.show(pair(name, text, width))
