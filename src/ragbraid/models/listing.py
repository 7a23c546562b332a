"""What there is of the catalogue's models on this machine, by names and sizes alone: nothing is hashed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

from ragbraid.models.cache import cache_folder
from ragbraid.models.catalogue import Model, catalogue
from ragbraid.models.fetch import parts_folder
from ragbraid.models.locate import installed_folder, opened
from ragbraid.models.pin import pinned
from ragbraid.models.verify import sizes_fit

State: TypeAlias = Literal["installed", "in part", "damaged", "absent"]


@dataclass(frozen=True, slots=True)
class Entry:
    """A model and what there is of it. `folder` is None where that is nothing to open."""

    model: Model
    state: State
    folder: Path | None = None

    @property
    def size(self) -> int | None:
        """Its bytes: exactly where each file's size is known, else about."""
        return sum(each.size for each in self.model.files.values()) or self.model.size

    def to_json(self) -> dict[str, Any]:
        """The entry as `ragbraid models list --json` prints it."""
        model = self.model
        return {
            "name": model.name,
            "kind": model.kind,
            "state": self.state,
            "path": None if self.folder is None else str(opened(model, self.folder)),
            "licence": model.licence,
            "size": self.size,
            "memory_gb": model.memory,
            "languages": list(model.languages),
            "hub": model.hub,
            "revision": model.revision if model.hub_files else None,
            "checksums": "hub" if model.hub_files else "catalogue",
            "files": {path: {"size": each.size, "sha256": each.sha256} for path, each in model.files.items()},
        }


def entries() -> Iterator[Entry]:
    """Every model of the catalogue, in its order."""
    for model in catalogue().values():
        yield entry(model)


def entry(model: Model) -> Entry:
    """What there is of one model: in the cache, or else in a package that carries it."""
    folder = cache_folder() / model.name
    if folder.is_dir():
        held = pinned(model, folder)
        whole = held is not None and sizes_fit(held, folder)
        return Entry(held or model, "installed" if whole else "damaged", folder if whole else None)
    package = installed_folder(model)
    if package is not None:
        return Entry(model, "installed", package)
    return Entry(model, "in part" if parts_folder(model).is_dir() else "absent")
