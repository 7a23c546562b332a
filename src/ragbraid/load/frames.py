"""Byte strings over a pipe, each after its length: how ragbraid and its parser's process talk."""

from __future__ import annotations

import struct
from io import RawIOBase

_SIZE = struct.Struct(">Q")


def send(pipe: RawIOBase, data: bytes) -> None:
    """Write one byte string. Raises `OSError` where the other side is gone."""
    for part in (_SIZE.pack(len(data)), data):
        rest = memoryview(part)
        while rest:
            rest = rest[pipe.write(rest) or 0 :]


def receive(pipe: RawIOBase) -> bytes:
    """Read one byte string. Raises `EOFError` where the other side is gone."""
    (size,) = _SIZE.unpack(_read(pipe, _SIZE.size))
    return _read(pipe, size)


def _read(pipe: RawIOBase, size: int) -> bytes:
    buffer = bytearray(size)
    rest = memoryview(buffer)
    while rest:
        count = pipe.readinto(rest)
        if not count:
            raise EOFError
        rest = rest[count:]
    return bytes(buffer)
