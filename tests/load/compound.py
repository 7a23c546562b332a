"""Outlook messages, and documents of Word and PowerPoint 97, as compound files, written for the tests.

[MS-CFB] 2.2 to 2.6, [MS-OXMSG] 2.2 to 2.4, [MS-DOC] 2.5 and 2.8.35, [MS-PPT] 2.4 and 2.9.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence

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


def doc(text: str, *, locked: bool = False) -> bytes:
    """A document of one piece of text; `\\r` ends a paragraph."""
    start, encoded = 1024, text.encode("utf-16-le")
    pieces = struct.pack("<II HIH", 0, len(text), 0, start, 0)
    clx = b"\x02" + struct.pack("<I", len(pieces)) + pieces
    fib = bytearray(start)
    struct.pack_into("<5HH", fib, 0, 0xA5EC, 0xC1, 0, 0x409, 0, 0x1300 if locked else 0x1200)
    struct.pack_into("<II", fib, 0x18, start, start + len(encoded))
    for place, size in ((0x20, 14), (0x3E, 22), (0x98, 93)):
        struct.pack_into("<H", fib, place, size)
    struct.pack_into("<I", fib, 0x4C, len(text))
    struct.pack_into("<II", fib, 0x1A2, 0, len(clx))
    return compound({"WordDocument": bytes(fib) + encoded, "1Table": clx})


def ppt(slides: Sequence[tuple[str, str, str]], *, locked: bool = False) -> bytes:
    """A presentation of slides with a title and a body, which are in its outline, and a text box."""
    outline = boxes = b""
    for number, (*texts, box) in enumerate(slides):
        outline += _record(1011, struct.pack("<5I", number + 2, 0, 2, 256 + number, 0))
        outline += b"".join(_text(kind, text) for kind, text in enumerate(texts))
        shape = _record(0xF004, _record(0xF00D, _text(4, box), 15), 15)
        drawing = _record(1036, _record(0xF002, _record(0xF003, shape, 15), 15), 15)
        boxes += _record(1006, _record(1007, bytes(24), 2) + drawing, 15)
    whole = _record(1000, _record(1001, bytes(40), 1) + _record(4080, outline, 15), 15)
    token = 0xF3D1C4DF if locked else 0xE391C05F
    user = _record(0xFF6, struct.pack("<III", 20, token, 0).ljust(28, b"\0"))
    return compound({"PowerPoint Document": whole + boxes, "Current User": user})


def _text(kind: int, text: str) -> bytes:
    return _record(3999, struct.pack("<I", kind)) + _record(4000, text.encode("utf-16-le"))


def _record(kind: int, content: bytes, version: int = 0) -> bytes:
    return struct.pack("<HHI", version, kind, len(content)) + content


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
