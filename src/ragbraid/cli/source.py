"""`ragbraid source`: what is stored of single sources."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ragbraid.cli import options, output
from ragbraid.cli.progress import chunks
from ragbraid.errors import InputError

if TYPE_CHECKING:
    from ragbraid.pipeline.holdings import Source

app = typer.Typer(help="The sources that the index holds.", no_args_is_help=True)

In = Annotated[str | None, typer.Option("--collection", metavar="NAME", help="In this collection.")]


@app.callback()
def _group() -> None:
    """The sources that the index holds."""


@app.command("list")
def list_(
    filter_text: options.FilterText = None,
    collection: options.Collection = None,
    pipeline: options.PipelineFile = None,
    overrides: options.Overrides = None,
    allow: options.Allow = None,
    as_json: options.AsJson = False,
) -> None:
    """List the stored sources, each with its chunks and metadata.

    For example: ragbraid source list --filter '{"lang": "en"}'
    """
    wanted = options.parse_filter(filter_text)
    with options.load(pipeline, overrides, allow) as loaded:
        found = loaded.sources(filter=wanted, collection=collection)
    if as_json:
        from ragbraid.serial import to_json

        output.print_json(to_json(found))
        return
    for each in found:
        output.show(f"{_counted(each)}{_brief(each.metadata)}")
    if not found:
        place = f" in the collection {collection}" if collection else ""
        output.say(f"No source is stored{place}." if wanted is None else f"No source{place} fits the filter.")


@app.command("show", cls=options.Command)
def show(
    source: Annotated[str, typer.Argument(metavar="SOURCE", help="As `ragbraid source list` names it.")],
    collection: In = None,
    pipeline: options.PipelineFile = None,
    overrides: options.Overrides = None,
    allow: options.Allow = None,
    as_json: options.AsJson = False,
) -> None:
    """Show a source as it is stored: metadata, chunks, text.

    For example: ragbraid source show docs/leave.md
    """
    with options.load(pipeline, overrides, allow) as loaded:
        document = loaded.document(source, collection=collection)
    from ragbraid.serial import to_json

    if as_json:
        output.print_json(to_json(document))
        return
    output.show(output.one_line(document.source), bold=True)
    output.show_pairs(
        {
            "type": document.media_type,
            "sha256": document.content_hash,
            "text": f"{len(document.text)} characters",
            "pages": f"{len(document.pages)}" if document.pages else None,
        }
    )
    if document.metadata:  # apart from the above: a document says of itself what it likes
        output.show("\nMetadata", bold=True)
        output.show_pairs({output.one_line(key): _value(each) for key, each in document.metadata.items()})
    output.show(f"\n{chunks(len(document.chunks))}", bold=True)
    for each in document.chunks:
        output.show(f"{each.id}  characters {each.start}–{each.end}")
    output.show("\nText", bold=True)
    output.show(document.text.rstrip("\n"))


@app.command("remove", cls=options.Command)
def remove(
    sources: Annotated[
        list[str],
        typer.Argument(
            metavar="SOURCE...", help="Names as in `ragbraid source list`, or globs in quotes, e.g. 'old/**'."
        ),
    ],
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask.")] = False,
    collection: In = None,
    pipeline: options.PipelineFile = None,
    overrides: options.Overrides = None,
    allow: options.Allow = None,
    as_json: options.AsJson = False,
) -> None:
    """Take sources out of the index; their files stay.

    A later ingest of a path that holds such a file brings it back.

    For example: ragbraid source remove docs/leave.md 'old/**' --yes
    """
    with options.load(pipeline, overrides, allow) as loaded:
        if not yes:
            _demand_consent(loaded.sources(sources, collection=collection))
        removed = loaded.remove(sources, collection=collection)
    if as_json:
        from ragbraid.serial import to_json

        output.print_json(to_json(removed))
        return
    for each in removed:
        output.show(f"- {_counted(each)}")
    output.say("Their files stay: an ingest of a path that holds them brings them back.")


def _demand_consent(found: list[Source]) -> None:
    """Ask on the terminal; raises `Exit` where the answer isn't yes."""
    if not sys.stdin.isatty():
        raise InputError("Nothing was removed: there is no terminal to ask on.", "Give --yes to go ahead.")
    for each in found:
        output.say(f"  {_counted(each)}")
    if not typer.confirm("Remove from the index?", err=True):
        output.say("Nothing was removed.")
        raise typer.Exit


def _counted(source: Source) -> str:
    return f"{output.one_line(source.source)}  {chunks(source.chunks)}"


def _brief(metadata: Mapping[str, Any]) -> str:
    told = (f"{key}: {_value(each)}" for key, each in metadata.items())
    return "".join(f"  {output.shortened(output.one_line(each), 40)}" for each in told)


def _value(value: Any) -> str:
    """A metadata value on one line."""
    import json

    from ragbraid.serial import to_json

    text = value if isinstance(value, str) else json.dumps(to_json(value), ensure_ascii=False)
    return output.one_line(" ".join(text.split()))
