"""A family's models at steps of their training, from the hub or from folders."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ragbraid.errors import InputError
from ragbraid.models.locate import locate
from ragbraid.models.sizes import parameters

_STEP = re.compile(r"(?:.*\D)?(\d+)")


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A model after so many steps of training, and where it is: a folder, or a hub id with a revision."""

    model: str
    step: int
    place: str
    revision: str | None = None

    @property
    def folder(self) -> Path:
        """Where its files are. Raises `ModelMissing` where they aren't on this machine."""
        return locate(self.place, self.revision)

    @property
    def parameters(self) -> int:
        """Its weights, as the headers of its files tell; of pickled files a guess by their size."""
        return parameters(self.folder) or sum(each.stat().st_size for each in self.folder.glob("*.bin")) // 2


def checkpoints(models: Sequence[str], steps: Sequence[int]) -> list[Checkpoint]:
    """The models at each step, smaller steps first.

    A folder holds a checkpoint in each of its folders whose name ends in a number, such as step1000; `steps`
    choose among them where they are given. A hub id has the revisions `stepN`. Raises `InputError` where
    there is none, and for two models of one name, whose figures couldn't be told apart.
    """
    found: dict[str, list[Checkpoint]] = {}
    for model in dict.fromkeys(models):
        folder = Path(model).expanduser()
        family = _of_folder(folder.resolve(), steps) if folder.is_dir() else _of_hub(model, steps)
        if (name := family[0].model) in found:
            raise InputError(
                f"Two models are called {name}.", "Study one after the other, or rename a folder."
            )
        found[name] = family
    return [each for family in found.values() for each in family]


def _of_hub(model: str, steps: Sequence[int]) -> list[Checkpoint]:
    if not steps:
        raise InputError(f"No steps of {model} are named.", "Give --step 0 --step 1000, for example.")
    name = model.rpartition("/")[2]
    return [Checkpoint(name, step, model, f"step{step}") for step in sorted(set(steps))]


def _of_folder(folder: Path, steps: Sequence[int]) -> list[Checkpoint]:
    numbered = {
        int(match[1]): each
        for each in folder.iterdir()
        if (match := _STEP.fullmatch(each.name)) and (each / "config.json").is_file()
    }
    chosen = sorted(step for step in numbered if not steps or step in steps)
    if missing := sorted(set(steps) - set(numbered)):
        raise InputError(
            f"{folder} has no step {missing[0]}.",
            f"It has {', '.join(map(str, sorted(numbered))) or 'none'}.",
        )
    if not chosen:
        raise InputError(f"There is no checkpoint in {folder}.", "It must hold folders such as step1000.")
    return [Checkpoint(folder.name, step, str(numbered[step])) for step in chosen]
