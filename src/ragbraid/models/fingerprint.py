"""Tells files of gigabytes apart without reading them whole."""

from __future__ import annotations

import hashlib
from pathlib import Path

_SAMPLES, _SAMPLE = 256, 4096


def fingerprint(path: Path) -> str:
    """Of the file's size, its beginning and samples spread over it: a file of gigabytes isn't read whole."""
    size = path.stat().st_size
    digest = hashlib.sha256(str(size).encode())
    with path.open("rb") as file:
        for at in range(_SAMPLES):
            file.seek(at * max(0, size - _SAMPLE) // (_SAMPLES - 1))
            digest.update(file.read(_SAMPLE))
    return digest.hexdigest()[:12]
