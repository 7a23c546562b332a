"""How many weights a folder's model has, told from the headers of its files."""

from __future__ import annotations

import json
import math
import struct
from contextlib import suppress
from pathlib import Path


def parameters(folder: Path) -> int:
    """The numbers in its safetensors files; those that can't be read count as none, for loading tells why."""
    return sum(map(_numbers, folder.glob("*.safetensors")))


def _numbers(file: Path) -> int:
    with suppress(OSError, ValueError, struct.error, KeyError, TypeError, AttributeError):
        with file.open("rb") as opened:
            (length,) = struct.unpack("<Q", opened.read(8))
            tensors = json.loads(opened.read(min(length, file.stat().st_size)))
        return sum(math.prod(each["shape"]) for name, each in tensors.items() if name != "__metadata__")
    return 0
