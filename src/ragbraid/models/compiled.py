"""Compiled graphs kept beside their models: reading one takes a quarter of the time of compiling it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any

from ragbraid.models.openvino import core, machine
from ragbraid.replacing import replacing

_DIGEST = 32
"""Bytes before a kept graph: its SHA-256, for the library reads whatever it is given."""


_TOLD_ANEW = ("INFERENCE_NUM_THREADS",)
"""Properties that hold for whoever reads it, not for what is kept."""


def compiled(folder: Path, name: str, graph: Callable[[], Any], properties: Mapping[str, Any]) -> Any:
    """The compiled graph `name` of the model in `folder`: read where it was kept, or compiled and kept.

    `name` changes with what `graph` makes. A kept one holds for a library's version, a processor and
    properties; another one takes its place, as it does where a file is torn or can't be read. Where the
    folder can't be written, nothing is kept.
    """
    lasting = {key: value for key, value in properties.items() if key not in _TOLD_ANEW}
    made_for = json.dumps([machine(), lasting], sort_keys=True)
    file = folder / f"{name}-{sha256(made_for.encode()).hexdigest()[:16]}.blob"
    if (kept := _read(file)) is not None:
        with suppress(RuntimeError):
            return core().import_model(kept, "CPU", dict(properties))
    made = core().compile_model(graph(), "CPU", dict(properties))
    with suppress(OSError):
        content = made.export_model().getvalue()
        with replacing(file) as beside, beside.open("wb") as target:
            target.write(sha256(content).digest())
            target.write(content)
        for other in folder.glob(f"{name}-*.blob"):
            if other != file:
                other.unlink()
    return made


def _read(file: Path) -> bytes | None:
    try:
        with file.open("rb") as source:
            digest, content = source.read(_DIGEST), source.read()
    except OSError:
        return None
    return content if sha256(content).digest() == digest else None
