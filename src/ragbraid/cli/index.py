"""`ragbraid index`: looking after what is on disk."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ragbraid.cli import asking, index_copy, options, output, progress, values
from ragbraid.cli.progress import chunks
from ragbraid.text.counted import counted

if TYPE_CHECKING:
    from ragbraid.index.upkeep import CollectionStats, IndexStats, Problem, StructureStats

app = typer.Typer(help="Look after the index on disk.", no_args_is_help=True, cls=options.Group)

_DAMAGED = 4


@app.callback()
def _group() -> None:
    """Look after the index on disk."""


@app.command("check")
def check(
    pipeline: options.PipelineFile = None,
    overrides: options.Overrides = None,
    allow: options.Allow = None,
    as_json: options.AsJson = False,
) -> None:
    """Compare every byte with what was stored.

    It recovers first, as every command does that opens the index. Exits with 4 where something is wrong.
    Works while others read and write.

    For example: ragbraid index check
    """
    with (
        options.load(pipeline, overrides, allow) as loaded,
        progress.waiting("Comparing every byte …", quiet=as_json),
    ):
        found = loaded.upkeep().check()
    _tell(found, as_json, "Everything is as it was stored.")


@app.command("repair")
def repair(
    pipeline: options.PipelineFile = None,
    overrides: options.Overrides = None,
    allow: options.Allow = None,
    as_json: options.AsJson = False,
) -> None:
    """Make anew what can be made from the rest.

    It says what is still wrong, as `check` does. What has lost its text or its vector is read and embedded
    again by the next ingest.

    For example: ragbraid index repair
    """
    with (
        options.load(pipeline, overrides, allow) as loaded,
        progress.waiting("Repairing …", quiet=as_json),
    ):
        found = loaded.upkeep().repair()
    _tell(found, as_json, "Everything is as it was stored.")


@app.command("stats")
def stats(
    pipeline: options.PipelineFile = None,
    overrides: options.Overrides = None,
    allow: options.Allow = None,
    as_json: options.AsJson = False,
) -> None:
    """Tell how it is made, and how large its parts are.

    For example: ragbraid index stats --json
    """
    with options.load(pipeline, overrides, allow) as loaded:
        found = loaded.upkeep().stats()
    if as_json:
        from ragbraid.serial import to_json

        output.print_json(to_json(found))
        return
    output.show_pairs(_pairs(found))


@app.command("snapshot", cls=options.Command)
def snapshot(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="A folder that doesn't exist yet.")],
    pipeline: options.PipelineFile = None,
    overrides: options.Overrides = None,
    allow: options.Allow = None,
    as_json: options.AsJson = False,
) -> None:
    """Copy it as it is now, while others read and write.

    The copy is an index: to restore it, put it in the index's place.

    For example: ragbraid index snapshot backup/monday
    """
    with (
        options.load(pipeline, overrides, allow) as loaded,
        progress.waiting("Copying …", quiet=as_json),
    ):
        loaded.upkeep().snapshot(folder)
    if as_json:
        output.print_json({"folder": str(folder)})
    else:
        output.show(f"The index is copied to {folder}.")


@app.command("export", cls=options.Command)
def export(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="A folder that doesn't exist yet.")],
    pipeline: options.PipelineFile = None,
    overrides: options.Overrides = None,
    allow: options.Allow = None,
    as_json: options.AsJson = False,
) -> None:
    """Write documents, chunks and vectors as JSON lines and a NumPy array.

    It is one state of all collections, while others read and write.

    For example: ragbraid index export handbook-2026
    """
    with (
        options.load(pipeline, overrides, allow) as loaded,
        progress.waiting("Exporting …", quiet=as_json),
    ):
        found = loaded.upkeep().export(folder)
    _tell_moved(found, as_json, f"Exported to {folder}")


@app.command("import", cls=options.Command)
def import_(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="What `ragbraid index export` wrote.")],
    pipeline: options.PipelineFile = None,
    overrides: options.Overrides = None,
    allow: options.Allow = None,
    as_json: options.AsJson = False,
) -> None:
    """Store all that an export holds.

    Its files are compared with their checksums first. Interrupted, it can be repeated.

    For example: ragbraid index import handbook-2026 --set components.index.path=new
    """
    with (
        options.load(pipeline, overrides, allow) as loaded,
        progress.waiting("Importing …", quiet=as_json),
    ):
        found = loaded.upkeep().import_from(folder)
    _tell_moved(found, as_json, f"Imported from {folder}")


app.command("copy", cls=options.Command)(index_copy.copy)


@app.command("compact")
def compact(
    pipeline: options.PipelineFile = None,
    overrides: options.Overrides = None,
    allow: options.Allow = None,
    as_json: options.AsJson = False,
) -> None:
    """Give back the space of what was removed or replaced.

    Searches go on meanwhile, ingests wait. It needs as much free disk as the index takes.

    For example: ragbraid index compact
    """
    with (
        options.load(pipeline, overrides, allow) as loaded,
        progress.waiting("Compacting …", quiet=as_json),
    ):
        sizes = loaded.upkeep().compact()
    if as_json:
        from ragbraid.serial import to_json

        output.print_json(to_json(sizes))
    else:
        output.show(f"The index takes {output.size(sizes.bytes)}; it took {output.size(sizes.bytes_before)}.")


@app.command("migrate")
def migrate(
    undo: Annotated[bool, typer.Option("--undo", help="Give it up, or switch back.")] = False,
    pipeline: options.PipelineFile = None,
    overrides: options.Overrides = None,
    allow: options.Allow = None,
    as_json: options.AsJson = False,
) -> None:
    """Embed what is stored with the pipeline's embedder, then switch to it.

    Those who use the former embedder search and ingest meanwhile, and search until something is ingested
    with the new one. Interrupted, it goes on from there. Former vectors stay until `ragbraid index compact`.

    For example: ragbraid index migrate --set components.embedder.model=multilingual-e5-small
    """
    told = 0.0
    with (
        options.load(pipeline, overrides, allow) as loaded,
        progress.waiting("Embedding …", quiet=as_json or undo),
    ):
        index = loaded.upkeep()
        if undo:
            index.undo_migration()
        else:
            for done, goal in index.migrate():
                if done / goal >= told + 0.1 and not as_json:
                    told = done / goal
                    output.say(f"{done} of {goal} vectors are embedded.")
        embedder = index.stats().embedder
    if as_json:
        output.print_json({"embedder": embedder})
    else:
        output.show(f"The index is {embedder}'s.")


@app.command("drop", cls=options.Command)
def drop(
    collection: Annotated[str, typer.Argument(metavar="COLLECTION", autocompletion=values.collections)],
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask.")] = False,
    pipeline: options.PipelineFile = None,
    overrides: options.Overrides = None,
    allow: options.Allow = None,
    as_json: options.AsJson = False,
) -> None:
    """Take a collection out at once, however large.

    Its space is given back by `ragbraid index compact`, and until then its bytes are on disk.

    For example: ragbraid index drop drafts --yes
    """
    with options.load(pipeline, overrides, allow) as loaded:
        loaded.demand_stored(collection=collection)
        index = loaded.upkeep()
        (held,) = (each for each in index.stats().collections if each.name == collection)
        holds = f"{counted(held.sources, 'source')}, {chunks(held.chunks)}"
        agreed = yes or asking.agrees(f"Drop the collection {collection}?", [holds])
        if agreed:
            index.drop(collection)
    if as_json:
        output.print_json({"collection": collection, "dropped": agreed})
    elif agreed:
        output.show(f"The collection {output.one_line(collection)} is dropped: {holds}.")
    else:
        output.say("Nothing was removed.")


def _tell_moved(found: list[CollectionStats], as_json: bool, what: str) -> None:
    if as_json:
        from ragbraid.serial import to_json

        output.print_json({"collections": to_json(found)})
        return
    for each in found:
        output.show(f"{output.one_line(each.name)}  {counted(each.sources, 'source')}, {chunks(each.chunks)}")
    output.say(f"{what}.")


def _tell(found: list[Problem], as_json: bool, well: str) -> None:
    if as_json:
        from ragbraid.serial import to_json

        output.print_json({"problems": to_json(found)})
    elif not found:
        output.show(well)
    for each in [] if as_json else found:
        output.show(f"{output.one_line(each.part)}: {output.one_line(each.what)}. {each.mend}")
    if found:
        raise typer.Exit(_DAMAGED)


def _pairs(found: IndexStats) -> dict[str, str | None]:
    collections = {
        f"collection {each.name}": f"{counted(each.sources, 'source')}, {chunks(each.chunks)}"
        for each in found.collections
    }
    used = f"{found.vectors_used} of {found.vectors} in use"
    lost = f", {found.vectors_lost} lost" if found.vectors_lost else ""
    dense = found.embedder is not None
    return {
        "path": str(found.path),
        "format": str(found.format),
        "embedder": f"{found.embedder}, {found.dimensions} dimensions" if dense else "none, by words alone",
        "structure": _structure(found.structure) if dense else None,
        "vectors": used + lost if dense else None,
        **collections,
        "on disk": ", ".join(f"{part} {output.size(size)}" for part, size in found.bytes.items() if size),
        "purge": "interrupted: `ragbraid index compact` finishes it" if found.purging else None,
        "kept beside": ", ".join(map(str, found.earlier)) or None,
    }


def _structure(found: StructureStats) -> str:
    if found.asked is None:
        return "flat: all vectors are compared"
    measured = f"recall@10 {found.recall:.3f} on {found.sample} of its own vectors, {found.asked:g} asked"
    if found.kind == "flat":
        return f"flat: the best that another gave was {measured}"
    lists = f"{found.effort} of {found.lists} lists, " if found.lists else ""
    return f"{found.kind}: {lists}{measured}"
