"""What a shell is offered for a value: names of models, types and sources, and files that fit.

Nothing here may fail or be loud: a shell that asks wants names, or none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import wraps
from pathlib import Path
from typing import Any

import typer


def _quiet(names: Callable[[typer.Context], Iterable[str]]) -> Callable[[typer.Context, str], list[str]]:
    """The names that begin as what was typed, and none where they can't be told."""

    @wraps(names)
    def offered(ctx: typer.Context, incomplete: str) -> list[str]:
        try:
            return [each for each in names(ctx) if each.startswith(incomplete)]
        except Exception:
            return []

    del offered.__wrapped__  # Typer would ask that one for its parameters
    return offered


@_quiet
def models(_ctx: typer.Context) -> Iterable[str]:
    """The catalogue's models."""
    from ragbraid.models.catalogue import catalogue

    return catalogue()


@_quiet
def types(_ctx: typer.Context) -> Iterable[str]:
    """The types of component."""
    from ragbraid import registry

    return registry.names()


@_quiet
def sources(ctx: typer.Context) -> Iterable[str]:
    """The stored sources of the pipeline that is named so far."""
    from ragbraid.cli import options

    asked: dict[str, Any] = ctx.params
    with options.load(asked.get("pipeline"), asked.get("overrides"), asked.get("allow")) as loaded:
        return [each.source for each in loaded.sources(collection=asked.get("collection"))]


@_quiet
def collections(ctx: typer.Context) -> Iterable[str]:
    """The collections of the index of the pipeline that is named so far."""
    from ragbraid.cli import options

    asked: dict[str, Any] = ctx.params
    with options.load(asked.get("pipeline"), asked.get("overrides"), asked.get("allow")) as loaded:
        return loaded.upkeep().collections()


def pipelines(incomplete: str) -> list[str]:
    """Folders and YAML files."""
    return _files(incomplete, (".yaml", ".yml"))


def code(incomplete: str) -> list[str]:
    """Folders and Python files."""
    return _files(incomplete, (".py",))


def _files(incomplete: str, endings: tuple[str, ...]) -> list[str]:
    """As the shell itself would go on, with these endings alone; a folder ends in a slash."""
    folder, _, begun = incomplete.rpartition("/")
    place = Path(folder + "/" if incomplete.startswith("/") else folder or ".").expanduser()
    if not place.is_dir():
        return []
    before = f"{folder}/" if "/" in incomplete else ""
    return [
        f"{before}{each.name}" + "/" * each.is_dir()
        for each in sorted(place.iterdir())
        if each.name.startswith(begun)
        and (begun or not each.name.startswith("."))
        and (each.is_dir() or each.name.endswith(endings))
    ]
