"""The vectors of a flat FAISS index, read from its file without FAISS."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

_HEAD = struct.Struct("<4siqqqBi")
"""The kind, dimensions, how many vectors, two numbers that mean nothing, whether trained, the metric."""
_KINDS = (b"IxF2", b"IxFI", b"IxFl")


def vectors(data: bytes) -> npt.NDArray[np.float32] | str:
    """The vectors, of shape (count, dimensions), or why they can't be read."""
    import numpy as np

    if len(data) < _HEAD.size + 8:
        return "the index's file is cut off"
    kind, dimensions, count, _, _, _, metric = _HEAD.unpack_from(data)
    if kind not in _KINDS or metric not in (0, 1):
        return f"the index is no flat one ({kind.decode('ascii', 'replace')})"
    (numbers,) = struct.unpack_from("<Q", data, _HEAD.size)
    begin = _HEAD.size + 8
    if dimensions < 1 or count < 0 or numbers != count * dimensions or len(data) - begin != 4 * numbers:
        return "the index's file is damaged"
    rows: npt.NDArray[np.float32] = np.frombuffer(data, "<f4", numbers, begin).reshape(count, dimensions)
    return rows
