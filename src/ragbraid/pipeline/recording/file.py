"""Recordings as JSON files: format 1. Secrets are masked, numbers that JSON lacks are words."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Set
from functools import lru_cache
from pathlib import Path
from typing import Any

from ragbraid.errors import InputError
from ragbraid.pipeline.model import CheckedPipeline
from ragbraid.pipeline.recording.circumstances import Origin, secrets_in
from ragbraid.pipeline.recording.values import MASK, Recording
from ragbraid.replacing import replacing
from ragbraid.serial import to_json

FORMAT = 1
MARK = "ragbraid_recording"
_WORTH_HIDING = 8
"""Characters from which a secret is masked even in the middle of a prompt or an answer."""


def demand_place(path: Path, force: bool) -> None:
    """Raise `InputError` where a recording can't be written to this path; better before the question."""
    if path.is_dir():
        raise InputError(f"{path} is a folder, not a file.", "Name a file in it.")
    if not path.parent.is_dir():
        raise InputError(f"There is no folder {path.parent} for the recording.", "Make it, or name another.")
    if not os.access(path.parent, os.W_OK):
        raise InputError(f"The folder {path.parent} can't be written to.", "Name another for the recording.")
    if path.exists() and not force:
        raise InputError(f"{path} exists.", "Name another file, or replace it with --force.")


def write(recording: Recording, path: Path, force: bool) -> None:
    """Write a recording; readers see the old file, if there was one, or the whole new one."""
    demand_place(path, force)
    text = json.dumps({MARK: FORMAT, **_finite(to_json(recording))}, ensure_ascii=False, indent=1)
    # Half of a surrogate pair has no UTF-8, but as `\udc80` it is JSON.
    data = text.encode("utf-8", "backslashreplace") + b"\n"
    with replacing(path) as beside, open(beside, "xb", opener=_private) as part:
        part.write(data)
        part.flush()
        os.fsync(part.fileno())


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)  # what documents say is for who may read them


def read(path: Path) -> Recording:
    """Read a recording. Raises `InputError`."""
    try:
        content = json.loads(path.read_bytes())
    except FileNotFoundError:
        raise InputError(f"There is no recording {path}.", "Make one with ragbraid ask --record.") from None
    except OSError as error:
        raise InputError(f"{path} can't be read: {error.strerror}.", "Look at its permissions.") from None
    except (ValueError, RecursionError):
        raise InputError(f"{path} isn't JSON; the recording is damaged, or none.") from None
    version = content.get(MARK) if isinstance(content, dict) else None
    if type(version) is not int or version < 1:
        raise InputError(f"{path} is no recording.", "Make one with ragbraid ask --record.")
    if version > FORMAT:
        raise InputError(
            f"{path} is a recording of format {version}, and this ragbraid reads format {FORMAT}.",
            "Install a newer ragbraid.",
        )
    from pydantic import ValidationError

    try:
        return _adapter().validate_python(content)  # type: ignore[no-any-return]
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(each) for each in first["loc"])
        raise InputError(f"The recording {path} is damaged at {where}: {first['msg']}.") from None


def cleaned(recording: Recording, checked: CheckedPipeline, origin: Origin) -> Recording:
    """The recording as its file will hold it, without the pipeline's secrets."""
    secrets = secrets_in(checked)
    content = _finite(to_json(recording))
    given = content["pipeline"]["overrides"]
    content["pipeline"]["overrides"] = masked = _masked(given, secrets)
    # Where an override replaces a secret, the file may hold another, which nobody here knows.
    content["pipeline"]["text"] = _without(origin.text, secrets) if masked == given else ""
    content = _masked(content, {each for each in secrets if len(each) >= _WORTH_HIDING})
    return _adapter().validate_python(content)  # type: ignore[no-any-return]


@lru_cache
def _adapter() -> Any:
    from pydantic import TypeAdapter

    return TypeAdapter(Recording)


def _without(text: str, secrets: Set[str]) -> str:
    """A pipeline's text without its secrets; nothing of it where one is spelled in a way of its own."""
    from ragbraid.pipeline.diagnostics import Problems
    from ragbraid.pipeline.parse import parse
    from ragbraid.pipeline.settings import as_python

    if not secrets:
        return text
    masked: str = _masked(text, secrets)
    root = parse(masked, "", Problems())
    left = json.dumps(as_python(root), ensure_ascii=False, default=str) if root is not None else None
    spelled = (json.dumps(each, ensure_ascii=False)[1:-1] for each in secrets)
    return "" if left is None or any(each in left for each in spelled) else masked


def _masked(value: Any, secrets: Set[str]) -> Any:
    if not secrets:
        return value
    if isinstance(value, str):
        for each in sorted(secrets, key=len, reverse=True):
            value = value.replace(each, MASK)
        return value
    if isinstance(value, dict):
        return {key: each if key == "role" else _masked(each, secrets) for key, each in value.items()}
    if isinstance(value, list):
        return [_masked(each, secrets) for each in value]
    return value


def _finite(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, dict):
        return {key: _finite(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_finite(each) for each in value]
    return value
