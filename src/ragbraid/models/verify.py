"""Whether a model's files are what catalogue or pin say: hashed once, then remembered by their stats.

What was found whole is remembered in this process and, where the cache can be written, in a stamp file beside
the models. The stamp is no `.json` inside the model's folder: an embedder's fingerprint covers those.
"""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from pathlib import Path
from typing import TypeAlias

from ragbraid.models.cache import cache_folder
from ragbraid.models.catalogue import Model
from ragbraid.models.pin import PIN, pinned

State: TypeAlias = dict[str, dict[str, int | str]]
"""By file: the stats that change when it is written or replaced, and the checksum that it is held to."""

_whole: dict[str, State] = {}


def fault(model: Model, folder: Path) -> str | None:
    """What is wrong with a model's files, as the end of a sentence; None if nothing. Reads them in whole."""
    held = pinned(model, folder)
    if held is None:
        return f"{PIN}, which says what its files must be, is missing or can't be read"
    # The stats of before: a file that is written to while it is read won't match them later.
    state = _state(held, folder)
    found = difference(held, folder)
    if found is None:
        _remember(held, state)
    return found


def fault_if_changed(model: Model, folder: Path) -> str | None:
    """What `fault` says, at the cost of a stat per file where these very files were found whole before."""
    held = pinned(model, folder)
    if held is not None and _state(held, folder) in (_whole.get(model.name), _stamped(model)):
        return None
    return fault(model, folder)


def difference(held: Model, folder: Path) -> str | None:
    """The first file that isn't what it must be, as the end of a sentence; remembers nothing."""
    for path, expected in held.files.items():
        try:
            size = (folder / path).stat().st_size
        except OSError:
            return f"{path} is missing"
        if size != expected.size:
            return f"{path} has {size:,} bytes instead of {expected.size:,}"
        try:
            with (folder / path).open("rb") as file:
                found = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            return f"{path} can't be read ({error.strerror or error})"
        if found != expected.sha256:
            whose = "hub's" if held.hub_files else "catalogue's"
            return (
                f"the checksum of {path} differs from the {whose} "
                f"({found[:12]}… instead of {expected.sha256[:12]}…)"
            )
    return None


def sizes_fit(held: Model, folder: Path) -> bool:
    """Whether every file is there with its size; nothing is read."""
    try:
        return all((folder / path).stat().st_size == each.size for path, each in held.files.items())
    except OSError:
        return False


def _state(model: Model, folder: Path) -> State:
    state: State = {}
    for path, expected in model.files.items():
        with suppress(OSError):
            stat = (folder / path).stat()
            state[path] = {
                "size": stat.st_size,
                "mtime_ns": stat.st_mtime_ns,
                "ctime_ns": stat.st_ctime_ns,
                "inode": stat.st_ino,
                "sha256": expected.sha256,
            }
    return state


def stamp(model: Model) -> Path:
    """The file that remembers a model's files as whole."""
    return cache_folder() / f"{model.name}.verified.json"


def _stamped(model: Model) -> object:
    try:
        return json.loads(stamp(model).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None


def _remember(model: Model, state: State) -> None:
    _whole[model.name] = state
    # A stamp that is torn or can't be written only means that the files are hashed again.
    with suppress(OSError):
        file = stamp(model)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(state, indent=1) + "\n", encoding="utf-8")
