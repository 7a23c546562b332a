"""Reads an index over and over while another process writes to it; as a script in a process of its own."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from ragbraid.index.faiss import Faiss, FaissRuntime
from ragbraid.ingest.memory import give_back
from ragbraid.testing.index import EMBEDDER, embedded
from ragbraid.types import Hit, Scope


def acknowledged(folder: Path) -> Any:
    """The number that was last written and acknowledged, as an array of one that processes share."""
    return np.memmap(folder / "acknowledged", np.int64, "r+", shape=(1,))


def look(folder: Path, seconds: float) -> dict[str, Any]:
    """Ask for as long as that; how often, how old the oldest answer was, and what it took of the system.

    Each answer has to hold the number that was acknowledged before the question, or a newer one.
    """
    index, known = Faiss(folder / "index", EMBEDDER).open(), acknowledged(folder)
    begun = time.monotonic()
    reads, behind, warm = 0, 0, (0, 0)
    while (now := time.monotonic()) < begun + seconds:
        if not warm[0] and now > begun + seconds / 3:
            warm = _taken()
        asked = int(known[0])
        seen = [_number(hits) for hits in _answers(index, asked)]
        behind = max(behind, asked - min(seen))
        reads += len(seen)
    taken = _taken()
    index.close()
    return {"reads": reads, "behind": behind, "files": (warm[0], taken[0]), "memory": (warm[1], taken[1])}


def _answers(index: FaissRuntime, asked: int) -> list[list[Hit]]:
    counted, newer = (Scope(filter={"number": each}) for each in ({"$exists": True}, {"$gte": asked}))
    return [
        index.chunks("counter"),
        index.search_text(["counter"], 5)[0],
        index.search_vector(embedded("counter"), 5, scope=counted)[0],
        index.search_vector(embedded("counter"), 5, scope=newer)[0],
    ]


def _number(hits: list[Hit]) -> int:
    """The number that one state of the index holds: in its text, its metadata and nowhere else."""
    (hit,) = hits
    number = int(hit.text.split()[1])
    assert hit.metadata["number"] == number
    return number


def _taken() -> tuple[int, int]:
    """Open files and kilobytes of memory of this process, without what was freed and is kept in reserve."""
    give_back()
    status = Path("/proc/self/status").read_text("utf-8")
    memory = next(line.split()[1] for line in status.splitlines() if line.startswith("RssAnon"))
    return len(os.listdir("/proc/self/fd")), int(memory)


if __name__ == "__main__":
    print(json.dumps(look(Path(sys.argv[1]), float(sys.argv[2]))))
