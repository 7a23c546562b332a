"""A digest of ingest steps: equal where they would make the same chunks of the same bytes."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path
from typing import Any

from ragbraid.pipeline.function import FunctionComponent
from ragbraid.secret import Secret


def digest(components: Iterable[Any], base: Path) -> str:
    """SHA-256 over types, versions and settings, in hexadecimal.

    Left out: secrets, and fields marked `metadata={"digest": False}`. Paths inside `base` count from it, so
    that a folder can be moved.
    """
    text = json.dumps([_described(each, base) for each in components], sort_keys=True, default=str)
    return sha256(text.encode()).hexdigest()


def _described(value: Any, base: Path) -> Any:
    if isinstance(value, FunctionComponent):
        name = f"{value.function.__module__}:{value.function.__qualname__}"
        return [name, {key: _described(each, base) for key, each in value.settings}]
    if isinstance(value, Secret):
        return None
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {
            each.name: _described(getattr(value, each.name), base)
            for each in dataclasses.fields(value)
            if each.metadata.get("digest", True)
        }
        kind = type(value)
        return [f"{kind.__module__}:{kind.__qualname__}", getattr(kind, "version", 1), fields]
    if isinstance(value, tuple | list):
        return [_described(each, base) for each in value]
    if isinstance(value, dict):
        return {str(key): _described(each, base) for key, each in value.items()}
    if isinstance(value, str | Path) and Path(value).is_absolute() and Path(value).is_relative_to(base):
        return Path(value).relative_to(base).as_posix()
    return str(value) if isinstance(value, Path) else value
