"""The checksums of tantivy's own files, which tantivy itself doesn't compare when it opens them.

Each file of a segment ends in a footer: JSON with the CRC-32 of all that stands before it, the length of that
JSON and a magic number, both as little-endian uint32 (tantivy's `directory/footer.rs`).
"""

from __future__ import annotations

import json
import struct
from pathlib import Path

from ragbraid.index.checks import crc_of

_END = struct.Struct("<II")
_MAGIC = 1337
_META = "meta.json"


def damaged_files(folder: Path) -> list[str]:
    """The names of those files of the newest commit whose bytes aren't what tantivy wrote.

    The caller holds the index's lock, so that none is about to go. What a crash left half written belongs to
    no commit, and isn't looked at.
    """
    try:
        segments = json.loads((folder / _META).read_text("utf-8"))["segments"]
        stems = {str(each["segment_id"]).replace("-", "") for each in segments}
    except (ValueError, LookupError, TypeError):
        return [_META]
    files = sorted(each for each in folder.iterdir() if each.name.partition(".")[0] in stems)
    return [each.name for each in files if not _is_whole(each)]


def _is_whole(path: Path) -> bool:
    with path.open("rb") as file:
        size = file.seek(0, 2)
        if size < _END.size:
            return False
        file.seek(size - _END.size)
        length, magic = _END.unpack(file.read(_END.size))
        body = size - _END.size - length
        if magic != _MAGIC or body < 0:
            return False
        file.seek(body)
        try:
            wanted = json.loads(file.read(length))["crc"]
        except (ValueError, KeyError, TypeError):
            return False
        file.seek(0)
        return bool(crc_of(file, body) == wanted)
