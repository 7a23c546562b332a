"""Outlook messages, as compound files ([MS-CFB] 2.2 to 2.6, [MS-OXMSG] 2.2 to 2.4), written for the tests."""

from __future__ import annotations

import struct
from collections.abc import Mapping

_SECTOR, _MINI = 512, 64
_END, _FREE, _FAT = 0xFFFFFFFE, 0xFFFFFFFF, 0xFFFFFFFD


def msg(properties: Mapping[str, str]) -> bytes:
    """A message of text properties, by their tags in hexadecimal such as 0037 for the subject."""
    streams = {f"__substg1.0_{tag}001F": text.encode("utf-16-le") for tag, text in properties.items()}
    entries = b"".join(
        struct.pack("<HHIII", 0x1F, int(tag, 16), 6, len(text.encode("utf-16-le")) + 2, 0)
        for tag, text in properties.items()
    )
    streams["__properties_version1.0"] = bytes(32) + entries
    return compound(streams)


def compound(streams: Mapping[str, bytes]) -> bytes:
    """A compound file of streams of less than 4096 bytes each, all in the mini stream."""
    mini, mini_fat, starts = bytearray(), list[int](), {}
    for name, data in streams.items():
        count = max(1, -(-len(data) // _MINI))
        starts[name] = len(mini_fat)
        mini_fat += [*range(len(mini_fat) + 1, len(mini_fat) + count), _END]
        mini += data.ljust(count * _MINI, b"\0")
    # The directory is a tree; a chain to the right is one, if the names are in order.
    names = sorted(streams, key=lambda each: (len(each), each.upper()))
    entries = [_entry("Root Entry", 5, child=1, start=0, size=len(mini))]
    for number, name in enumerate(names, 1):
        right = number + 1 if number < len(names) else _FREE
        entries.append(_entry(name, 2, right=right, start=starts[name], size=len(streams[name])))
    parts = [bytes(mini), struct.pack(f"<{len(mini_fat)}I", *mini_fat), b"".join(entries)]
    fat: list[int] = []
    places, sectors = [], b""
    for part, filler in zip(parts, (b"\0", b"\xff", b"\0"), strict=True):
        padded = part.ljust(-(-len(part) // _SECTOR) * _SECTOR, filler)
        places.append(len(fat))
        count = len(padded) // _SECTOR
        fat += [*range(len(fat) + 1, len(fat) + count), _END]
        sectors += padded
    entries_in_use = len(fat)
    fat += [_FAT]
    assert len(fat) <= _SECTOR // 4
    root = bytearray(sectors)
    struct.pack_into("<I", root, places[2] * _SECTOR + 116, places[0])
    head = struct.pack(
        "<8s16sHHHHH6sIIIIIIIIII", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", bytes(16), 0x3E, 3, 0xFFFE, 9, 6,
        bytes(6), 0, 1, places[2], 0, 4096, places[1], (places[2] - places[1]), _END, 0, entries_in_use,
    )  # fmt: skip
    table = struct.pack("<128I", *fat, *[_FREE] * (128 - len(fat)))
    return head.ljust(_SECTOR, b"\xff") + bytes(root) + table


def _entry(
    name: str, kind: int, *, right: int = _FREE, child: int = _FREE, start: int = 0, size: int = 0
) -> bytes:
    encoded = name.encode("utf-16-le")
    return struct.pack(
        "<64sHBBIII16sIQQIQ", encoded, len(encoded) + 2, kind, 1, _FREE, right, child, bytes(16), 0, 0, 0,
        start, size,
    )  # fmt: skip
