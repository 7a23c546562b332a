"""Lists of several files in one: byte for byte what FAISS makes of them in memory."""

from __future__ import annotations

import zlib
from functools import cache
from pathlib import Path

import faiss
import numpy as np
import pytest

from ragbraid.index.structure.joining import Lists, join, lists_of
from ragbraid.index.structure.kinds import KINDS
from ragbraid.types import Vectors

DIMENSIONS = 16
LISTS = 20


@cache
def trained(name: str) -> tuple[Vectors, faiss.Index]:
    """Vectors, and an index of this kind that knows their clusters and holds none of them."""
    vectors = np.random.default_rng(1).standard_normal((2000, DIMENSIONS), np.float32)
    blank = KINDS[name].untrained(DIMENSIONS, LISTS)
    blank.train(vectors)
    return vectors, blank


@pytest.mark.parametrize("name", [name for name, each in KINDS.items() if each.clustered])
@pytest.mark.parametrize("counts", [(5,), (300, 1), (0, 40, 700)])
def test_as_in_memory(name: str, counts: tuple[int, ...], tmp_path: Path) -> None:
    vectors, blank = trained(name)
    whole = faiss.clone_index(blank)
    parts: list[Lists] = []
    for number, count in enumerate(counts):
        part, first = faiss.clone_index(blank), sum(counts[:number])
        for index in (part, whole):
            index.add_with_ids(vectors[first : first + count], np.arange(first, first + count))
        faiss.write_index(part, str(tmp_path / str(number)))
        parts.append(lists_of(tmp_path / str(number), part))

    told = join(tmp_path / "joined", blank, parts)

    written = (tmp_path / "joined").read_bytes()
    assert (told.size, told.crc) == (len(written), zlib.crc32(written))
    assert told.head_crc == zlib.crc32(written[: told.head])
    assert told.head == len(written) - sum(counts) * (blank.code_size + 8)
    read = faiss.read_index(str(tmp_path / "joined"), faiss.IO_FLAG_MMAP_IFC)
    assert faiss.serialize_index(read).tobytes() == faiss.serialize_index(whole).tobytes()
    assert blank.ntotal == 0
