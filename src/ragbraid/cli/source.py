"""`ragbraid source`: what is stored of single sources."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ragbraid.cli import asking, options, output, progress, values
from ragbraid.cli.progress import chunks
from ragbraid.errors import MissingDependency, ModelError

if TYPE_CHECKING:
    from ragbraid import Pipeline
    from ragbraid.pipeline.holdings import Source, StoredDocument

app = typer.Typer(help="The sources that the index holds.", no_args_is_help=True, cls=options.Group)

In = Annotated[
    str | None,
    typer.Option(
        "--collection", metavar="NAME", autocompletion=values.collections, help="In this collection."
    ),
]


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
    """List the stored sources, each with its chunks, size, last change and metadata.

    For example: ragbraid source list --filter '{"lang": "en"}'
    """
    wanted = options.parse_filter(filter_text)
    with options.load(pipeline, overrides, allow) as loaded:
        if collection is not None:
            loaded.demand_stored(collection=collection)
        found = loaded.sources(filter=wanted, collection=collection)
    if as_json:
        from ragbraid.serial import to_json

        output.print_json(to_json(found))
        return
    for each in found:
        output.show(f"{_counted(each)}{_state(each)}{_brief(each.metadata)}")
    if not found:
        place = f" in the collection {collection}" if collection else ""
        output.say(f"No source is stored{place}." if wanted is None else f"No source{place} fits the filter.")


@app.command("show", cls=options.Command)
def show(
    source: Annotated[
        str,
        typer.Argument(
            metavar="SOURCE", help="As `ragbraid source list` names it.", autocompletion=values.sources
        ),
    ],
    collection: In = None,
    pipeline: options.PipelineFile = None,
    overrides: options.Overrides = None,
    allow: options.Allow = None,
    as_json: options.AsJson = False,
) -> None:
    """Show how a source was read and where it was cut: metadata, chunks, text.

    For example: ragbraid source show docs/leave.md
    """
    with options.load(pipeline, overrides, allow) as loaded:
        if collection is not None:
            loaded.demand_stored(collection=collection)
        document = loaded.document(source, collection=collection)
        (state,) = (each for each in loaded.sources([source], collection=collection) if each.source == source)
        tokens = _tokens(loaded, document)
    from ragbraid.cli.stored import as_json as told
    from ragbraid.cli.stored import show_document

    if as_json:
        output.print_json(told(document, state, tokens))
    else:
        show_document(document, state, tokens)


Named = Annotated[
    list[str],
    typer.Argument(
        metavar="SOURCE...",
        autocompletion=values.sources,
        help="Names as in `ragbraid source list`, or globs in quotes, e.g. 'old/**'.",
    ),
]
Yes = Annotated[bool, typer.Option("--yes", help="Don't ask.")]


@app.command("remove", cls=options.Command)
def remove(
    sources: Named,
    yes: Yes = False,
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
        if collection is not None:
            loaded.demand_stored(collection=collection)
        agreed = yes or _consents(loaded.sources(sources, collection=collection), "Remove from the index?")
        removed = loaded.remove(sources, collection=collection) if agreed else []
    _tell(removed, agreed, as_json)


@app.command("purge", cls=options.Command)
def purge(
    sources: Named,
    yes: Yes = False,
    collection: In = None,
    pipeline: options.PipelineFile = None,
    overrides: options.Overrides = None,
    allow: options.Allow = None,
    as_json: options.AsJson = False,
) -> None:
    """Remove sources so that no byte of them is left in the index.

    Nor of what was removed or replaced before. Snapshots aren't touched, and their files stay. Searches go
    on meanwhile, ingests wait; it needs as much free disk as the index takes. If interrupted, repeat it.

    For example: ragbraid source purge customers/4711.md --yes
    """
    with options.load(pipeline, overrides, allow) as loaded:
        if collection is not None:
            loaded.demand_stored(collection=collection)
        before = loaded.upkeep().stats()
        asked = yes or before.purging
        agreed = asked or _consents(loaded.sources(sources, collection=collection), "Purge from the index?")
        with progress.waiting("Purging …", quiet=as_json or not agreed):
            removed = loaded.purge(sources, collection=collection) if agreed else []
    _tell(removed, agreed, as_json)
    if before.purging and not as_json:
        output.say("The purge that was interrupted is finished.")
    for each in before.earlier if agreed else ():
        output.say(f"The copy from before an upgrade of the format, {each}, may still hold them: remove it.")


def _tokens(pipeline: Pipeline, document: StoredDocument) -> list[int] | None:
    """None also where the model isn't here: what is stored can be looked at without it."""
    try:
        return pipeline.tokens(document)
    except (ModelError, MissingDependency):
        return None


def _tell(removed: list[Source], agreed: bool, as_json: bool) -> None:
    if as_json:
        from ragbraid.serial import to_json

        output.print_json(to_json(removed))
        return
    if not agreed:
        output.say("Nothing was removed.")
        return
    for each in removed:
        output.show(f"- {_counted(each)}")
    if removed:
        output.say("Their files stay: an ingest of a path that holds them brings them back.")


def _consents(found: list[Source], question: str) -> bool:
    return asking.agrees(question, map(_counted, found))


def _counted(source: Source) -> str:
    return f"{output.one_line(source.source)}  {chunks(source.chunks)}"


def _state(source: Source) -> str:
    """The size and the day of the last change, by the machine's own clock."""
    size = f"  {output.size(source.size)}" if source.size is not None else ""
    return size + (f"  {source.stored_at.astimezone():%Y-%m-%d}" if source.stored_at is not None else "")


def _brief(metadata: Mapping[str, Any]) -> str:
    told = (f"{key}: {output.value(each)}" for key, each in metadata.items())
    return "".join(f"  {output.shortened(output.one_line(each), 40)}" for each in told)
