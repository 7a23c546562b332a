"""A setting's value as a pipeline file would have it, for people to read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ragbraid.secret import Secret


def as_written(value: Any, base: Path) -> str:
    """The value on one line; paths below `base` are told from there, and a secret isn't told."""
    if isinstance(value, Secret):
        return "***"
    if isinstance(value, Path):
        return value.relative_to(base).as_posix() if value.is_relative_to(base) else str(value)
    if isinstance(value, str) and value and value.strip() == value and value.isprintable():
        return value
    if isinstance(value, tuple | list):
        return f"[{', '.join(as_written(each, base) for each in value)}]"
    return json.dumps(value, default=str, ensure_ascii=False)
