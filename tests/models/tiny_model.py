"""A model of two small files."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

from ragbraid.models.catalogue import File, Model, Wheel

NAME = "tiny"
CONTENT = {"model.bin": b"weights" * 1000, "sub/config.json": b"{}"}
STAMP = "tiny.verified.json"


def tiny() -> Model:
    files = {path: File(len(data), sha256(data).hexdigest()) for path, data in CONTENT.items()}
    wheel = Wheel("tiny-weights", "1.0", "tiny_weights/model")
    return Model(NAME, "embedder", "Apache-2.0", ("en",), "o/tiny", files=files, wheel=wheel, size=7002)


def kept(cache: Path) -> list[str]:
    """What is in a cache beside its lock files."""
    return sorted(each.name for each in cache.iterdir() if each.suffix != ".lock")


def folder_of(at: Path, content: dict[str, bytes] = CONTENT) -> Path:
    for path, data in content.items():
        (at / path).parent.mkdir(parents=True, exist_ok=True)
        (at / path).write_bytes(data)
    return at
