"""The images that a TIFF file holds one after the other, as scanners write them (TIFF 6.0, section 2)."""

from __future__ import annotations

import struct
from collections.abc import Iterator

_MOST = 2000


def pages(data: bytes) -> Iterator[bytes]:
    """The file once for each of its images, that one being the first; what isn't a TIFF comes as it is."""
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(data[:4])
    if order is None or len(data) < 8:
        yield data
        return
    seen: set[int] = set()
    (place,) = struct.unpack_from(order + "I", data, 4)
    while place and place not in seen and place + 2 <= len(data) and len(seen) < _MOST:
        seen.add(place)
        yield data[:4] + struct.pack(order + "I", place) + data[8:]
        (entries,) = struct.unpack_from(order + "H", data, place)
        link = place + 2 + 12 * entries
        if link + 4 > len(data):
            return
        (place,) = struct.unpack_from(order + "I", data, link)
    if not seen:
        yield data
