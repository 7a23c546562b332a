"""Joins the inverted lists of several files into one file, list by list, in the memory of a single list.

FAISS ends the file of an index with its lists (`ilar` in its index_write.cpp): how many of them there are and
the length of each, then for each one its codes and its ids. All that comes before is the same for files that
began from the same quantizer.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import faiss
import numpy as np

from ragbraid.index.rows import Ints
from ragbraid.index.store import sync

_ID = 8
_NO_LISTS = b"sprs" + struct.pack("<Q", 0)


@dataclass(frozen=True, slots=True)
class Lists:
    """A file that ends with lists of these sizes."""

    path: Path
    sizes: Ints


@dataclass(frozen=True, slots=True)
class Joined:
    """What was written: the bytes in all and before the lists, with the CRC-32 of either."""

    size: int
    head: int
    head_crc: int
    crc: int


def lists_of(path: Path, index: Any) -> Lists:
    """The lists of a FAISS index that lies in a file."""
    return Lists(path, np.array([index.invlists.list_size(each) for each in range(index.nlist)], np.int64))


def join(path: Path, blank: Any, parts: Sequence[Lists]) -> Joined:
    """Write an index with the lists of all parts, in their order, synced to disk.

    `blank` is the empty index that they began from. Raises `OSError`.
    """
    sizes = sum((each.sizes for each in parts), np.zeros(blank.nlist, np.int64))
    head = _head(blank, sizes)
    size = len(head)
    head_crc = crc = zlib.crc32(head)
    with ExitStack() as opened, path.open("wb") as target:
        sources = [opened.enter_context(each.path.open("rb")) for each in parts]
        for source, part in zip(sources, parts, strict=True):
            source.seek(-int(part.sizes.sum()) * (blank.code_size + _ID), 2)
        target.write(head)
        for counts in np.stack([each.sizes for each in parts], axis=1).tolist():
            codes, ids = [], []
            for source, count in zip(sources, counts, strict=True):
                codes.append(source.read(count * blank.code_size))
                ids.append(source.read(count * _ID))
            block = b"".join([*codes, *ids])
            size, crc = size + len(block), zlib.crc32(block, crc)
            target.write(block)
        target.flush()
        sync(target.fileno())
    return Joined(size, len(head), head_crc, crc)


def _head(blank: Any, sizes: Ints) -> bytes:
    """All that FAISS writes of an index before its lists."""
    blank.ntotal = int(sizes.sum())
    empty = faiss.serialize_index(blank).tobytes()
    blank.ntotal = 0
    if not empty.endswith(_NO_LISTS):
        raise OSError("this version of FAISS writes its lists in another way")
    return (
        empty.removesuffix(_NO_LISTS)
        + b"full"
        + struct.pack("<Q", len(sizes))
        + sizes.astype("<i8").tobytes()
    )
