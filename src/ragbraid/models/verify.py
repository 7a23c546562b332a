"""Whether a catalogue model's files are what the catalogue says: hashed once, then remembered by their stats.

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

State: TypeAlias = dict[str, dict[str, int | str]]
"""By file: the stats that change when it is written or replaced, and the checksum that it is held to."""

_whole: dict[str, State] = {}


def fault(model: Model, folder: Path) -> str | None:
    """What is wrong with a model's files, as the end of a sentence; None if nothing. Reads them in whole."""
    # The stats of before: a file that is written to while it is read won't match them later.
    state = _state(model, folder)
    for path, expected in model.files.items():
        if path not in state:
            return f"{path} is missing"
        size = state[path]["size"]
        if size != expected.size:
            return f"{path} has {size:,} bytes instead of {expected.size:,}"
        try:
            with (folder / path).open("rb") as file:
                found = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            return f"{path} can't be read ({error.strerror or error})"
        if found != expected.sha256:
            return (
                f"the checksum of {path} differs from the catalogue's "
                f"({found[:12]}… instead of {expected.sha256[:12]}…)"
            )
    _remember(model, state)
    return None


def fault_if_changed(model: Model, folder: Path) -> str | None:
    """What `fault` says, at the cost of a stat per file where these very files were found whole before."""
    state = _state(model, folder)
    if state in (_whole.get(model.name), _stamped(model)):
        return None
    return fault(model, folder)


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


def _stamp(model: Model) -> Path:
    return cache_folder() / f"{model.name}.verified.json"


def _stamped(model: Model) -> object:
    try:
        return json.loads(_stamp(model).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None


def _remember(model: Model, state: State) -> None:
    _whole[model.name] = state
    # A stamp that is torn or can't be written only means that the files are hashed again.
    with suppress(OSError):
        stamp = _stamp(model)
        stamp.parent.mkdir(parents=True, exist_ok=True)
        stamp.write_text(json.dumps(state, indent=1) + "\n", encoding="utf-8")
