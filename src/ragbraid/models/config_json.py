"""A model folder's config.json."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ragbraid.errors import ModelError


def read_config(folder: Path) -> dict[str, Any]:
    """What config.json says. Raises `ModelError` where it is missing, damaged or no object."""
    path = folder / "config.json"
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ModelError(f"{path} can't be read: {error}.", "Name a folder with a model.") from error
    if not isinstance(found, dict):
        raise ModelError(f"{path} can't be read: it isn't an object.", "Fetch the model again.")
    return found
