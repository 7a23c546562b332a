"""`ragbraid status`: what is stored, and whether it is up to date."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ragbraid.cli import options, output
from ragbraid.cli.progress import chunks

if TYPE_CHECKING:
    from ragbraid.pipeline.holdings import Status

_NAMED = 5
"""How many outdated sources are named; `--json` names all."""


def command(
    collection: options.Collection = None,
    pipeline: options.PipelineFile = None,
    overrides: options.Overrides = None,
    allow: options.Allow = None,
    as_json: options.AsJson = False,
) -> None:
    """Tell what the index holds, and what has changed since.

    No weights are loaded. New files are found by an ingest alone.

    For example: ragbraid status
    """
    from ragbraid.pipeline.find import find

    source = find(pipeline)
    with options.load(pipeline, overrides, allow) as loaded:
        status = loaded.status(collection=collection)
        name = loaded.name
    if as_json:
        from ragbraid.serial import to_json

        file = None if source.path is None else str(source.path)
        output.print_json({"pipeline": name, "file": file, **to_json(status)})
        return
    output.show_pairs(
        {
            "pipeline": f"{name}, {source.name}",
            "index": _where(status),
            "embedder": status.embedder or ("unknown" if status.problem else "none, by words alone"),
            "holds": _holds(status),
            "on disk": _on_disk(status),
            "changed since": _named(status.stale) if status.sources else None,
            "gone since": _named(status.gone) if status.sources else None,
        }
    )
    if status.problem:
        output.say(status.problem)


def _where(status: Status) -> str:
    """Its folder; its name in the file, too, where that is one of its own."""
    if status.path is None:
        return status.index
    place = output.one_line(_shown(status.path))
    return place if status.index == "index" else f"{status.index} in {place}"


def _shown(path: Path) -> str:
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)


def _holds(status: Status) -> str:
    if not status.sources:
        return f"nothing in the collection {status.collection}; run `ragbraid ingest PATH`"
    sources = f"{status.sources} source{'s' * (status.sources != 1)}, {chunks(status.chunks)}"
    return sources if status.collection == "default" else f"{sources} in the collection {status.collection}"


def _on_disk(status: Status) -> str | None:
    if status.bytes is None or status.changed_at is None:
        return None
    when = status.changed_at.astimezone().strftime("%Y-%m-%d %H:%M")
    return f"{output.size(status.bytes)}, last changed {when}"


def _named(origins: tuple[str, ...] | None) -> str | None:
    if not origins:
        return None if origins is None else "nothing"
    more = f", and {len(origins) - _NAMED} more" * (len(origins) > _NAMED)
    return f"{len(origins)}: {', '.join(map(output.one_line, origins[:_NAMED]))}{more}"
