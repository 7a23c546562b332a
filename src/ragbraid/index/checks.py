"""What can be stored and asked for, and the sums that rows carry."""

from __future__ import annotations

import hashlib
import sys
import zlib
from typing import BinaryIO

from ragbraid.errors import InputError

_BLOCK = 1 << 20


def demand_name(name: str, what: str) -> None:
    """Raise `InputError` for a name that is empty or can't be kept as text."""
    if not name:
        raise InputError(f"{what} has an empty name.", "Give it a name that is unique in its collection.")
    if "\0" in name or (not name.isascii() and any("\ud800" <= each <= "\udfff" for each in name)):
        raise InputError(f"{what} is named {name!r}, which holds something that is no character.")


def checksum(*parts: object) -> int:
    """The CRC-32 that every row carries of its own content."""
    return zlib.crc32("\x1f".join(map(str, parts)).encode("utf-8", "surrogatepass"))


def crc_of(file: BinaryIO, count: int = sys.maxsize) -> int:
    """The CRC-32 of the next `count` bytes of a file, or of as many as there are."""
    crc = 0
    while count > 0 and (block := file.read(min(count, _BLOCK))):
        crc, count = zlib.crc32(block, crc), count - len(block)
    return crc


def text_hash(text: str) -> bytes:
    """The name under which the vector of an embedded text is known."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


def demand_k(k: int) -> None:
    """Raise `InputError` where no hits are asked for."""
    if k < 1:
        raise InputError(f"{k} hits were asked for.", "Ask for at least one.")
