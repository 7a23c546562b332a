"""The folders that models are kept in, and what one takes."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path


def bytes_in(folder: Path) -> int:
    """The bytes of all files of a folder; what others take away meanwhile doesn't count."""
    total = 0
    for each in folder.rglob("*"):
        with suppress(OSError):
            total += each.stat().st_size if each.is_file() else 0
    return total


def cache_folder() -> Path:
    """`RAGBRAID_MODELS` where that is set, else a folder in the user's cache."""
    return _folder("RAGBRAID_MODELS", "models")


def converted_folder() -> Path:
    """Where models converted for other engines lie: `RAGBRAID_CONVERTED`, or a folder in the user's cache.

    Apart from the models, which may lie where nobody may write, in a container's image for example.
    """
    return _folder("RAGBRAID_CONVERTED", "converted")


def _folder(variable: str, name: str) -> Path:
    set_by_user = os.environ.get(variable)
    if set_by_user:
        return Path(set_by_user).expanduser()
    import platformdirs

    return Path(platformdirs.user_cache_dir("ragbraid")) / name
