"""What a model's files must be: the catalogue's word, or the hub's when they were fetched, kept beside them.

The pin is no `.json`: an embedder's fingerprint covers those.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path, PurePosixPath, PureWindowsPath

from ragbraid.models.catalogue import File, Model

PIN = "pin.toml"


def pinned(model: Model, folder: Path) -> Model | None:
    """The model with all its `files`; None where neither catalogue nor a pin in the folder names them."""
    if model.files:
        return model
    import tomllib

    try:
        data = tomllib.loads((folder / PIN).read_text(encoding="utf-8"))
        files = {path: File(int(each["size"]), str(each["sha256"])) for path, each in data["files"].items()}
        revision = str(data["revision"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    if not files or not all(is_inside(path) for path in files):
        return None
    return replace(model, files=files, revision=revision)


def write_pin(model: Model, folder: Path) -> None:
    """Keep the model's `files` and `revision` in its folder, as an excerpt of the catalogue."""
    lines = [f"# {model.hub}: what the hub said of these files when they were fetched."]
    lines += [f"revision = {_quoted(model.revision)}", "", "[files]"]
    for path, each in sorted(model.files.items()):
        lines.append(f'{_quoted(path)} = {{ size = {each.size}, sha256 = "{each.sha256}" }}')
    (folder / PIN).write_text("\n".join(lines) + "\n", encoding="utf-8")


def copy(held: Model, folder: Path, target: Path) -> None:
    """Copy the files of a pinned model, and its pin where it has one, into another folder."""
    for path in (*held.files, *([PIN] if held.hub_files else [])):
        (target / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(folder / path, target / path)


def _quoted(text: str) -> str:
    """A basic string of TOML: JSON's, but for surrogates and the one control character that JSON allows."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def is_inside(path: str) -> bool:
    """Whether a path that others wrote names a file inside the folder that it counts from."""
    plain, windows = PurePosixPath(path), PureWindowsPath(path)
    outside = plain.is_absolute() or windows.anchor or ".." in windows.parts
    return bool(plain.parts) and not outside and plain != PurePosixPath(PIN)
