"""Models converted for another engine: once for each content, proven on the machine that uses them.

A converted model is a folder in the user's cache, named after the model and a fingerprint of its files.
Its `proof.json` tells what was measured, by which version, on which processor; elsewhere it is proven anew.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from ragbraid.errors import ModelError
from ragbraid.locking import exclusive
from ragbraid.models.cache import bytes_in, converted_folder
from ragbraid.replacing import replacing

_PROOF = "proof.json"

Proof = Mapping[str, Any]
"""What was measured, by name."""


def converted(
    name: str,
    source: Path,
    machine: Mapping[str, str],
    convert: Callable[[Path], None],
    prove: Callable[[Path], Proof],
) -> Path:
    """The folder of the model `name`, converted from `source` and proven where it isn't yet.

    `machine` is what a proof depends on beside the model: engine version and processor. `convert` fills a new
    folder; `prove` measures one against its reference and raises `ModelError` where it falls short, which
    leaves it unused. Raises `ModelError` too where the cache can't be written.
    """
    folder, refused = converted_folder() / name, converted_folder() / f"{name}.refused.json"
    if _holds(folder / _PROOF, machine):
        return folder
    try:
        converted_folder().mkdir(parents=True, exist_ok=True)
        with exclusive(folder.with_name(f"{name}.lock"), lambda _holder, _waited: None):
            if _holds(refused, machine):
                raise ModelError(*(str(_read(refused).get(each, "")) for each in ("why", "hint")))
            try:
                if not folder.is_dir():
                    _make(folder, convert)
                if not _holds(folder / _PROOF, machine):
                    _write(folder / _PROOF, {"source": str(source), **machine, **prove(folder)})
            except ModelError as error:
                # So that no later start tries for a minute what can't be.
                _write(refused, {**machine, "why": error.message, "hint": error.hint})
                raise
    except OSError as error:
        raise ModelError(
            f"The converted model can't be kept in {converted_folder()}: {error.strerror or error}.",
            "Set RAGBRAID_CONVERTED to a folder that you may write to.",
        ) from error
    return folder


def forget(source: Path) -> int:
    """Remove what was converted from files in `source`; the bytes that were freed."""
    freed = 0
    for folder in converted_folder().glob("*/"):
        made_of = _read(folder / _PROOF).get("source")
        if isinstance(made_of, str) and Path(made_of).is_relative_to(source):
            freed += bytes_in(folder)
            shutil.rmtree(folder)
    return freed


def proof(folder: Path) -> Proof | None:
    """What was measured of a converted model; None where nothing was."""
    return _read(folder / _PROOF) or None


def _read(file: Path) -> dict[str, Any]:
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _holds(file: Path, machine: Mapping[str, str]) -> bool:
    found = _read(file)
    return bool(found) and all(found.get(key) == value for key, value in machine.items())


def _make(folder: Path, convert: Callable[[Path], None]) -> None:
    beside = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        convert(beside)
        beside.rename(folder)
    finally:
        with suppress(OSError):
            shutil.rmtree(beside)


def _write(file: Path, content: Mapping[str, Any]) -> None:
    with replacing(file) as beside:
        beside.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
