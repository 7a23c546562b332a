"""The folder that fetched models are kept in."""

from __future__ import annotations

import os
from pathlib import Path


def cache_folder() -> Path:
    """`RAGBRAID_MODELS` where that is set, else a folder in the user's cache."""
    set_by_user = os.environ.get("RAGBRAID_MODELS")
    if set_by_user:
        return Path(set_by_user).expanduser()
    import platformdirs

    return Path(platformdirs.user_cache_dir("ragbraid")) / "models"
