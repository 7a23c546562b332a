"""A process of its own that ingests a folder and names each source once it is committed."""

from __future__ import annotations

import sys
from pathlib import Path

from ragbraid.index.faiss import Faiss, FaissRuntime
from ragbraid.ingest import IngestFlow, Progress, batches, ingest
from ragbraid.load.files import Files
from ragbraid.testing import FixedSplitter, HashEmbedder

SPLITTER = FixedSplitter(5)


def open_index(place: Path) -> FaissRuntime:
    return Faiss(path=place, embedder=HashEmbedder(dimensions=16).open()).open()


def acknowledge(progress: Progress) -> None:
    print(progress.kind, progress.source, progress.reason, sep="\t", flush=True)


def main(folder: Path, place: Path) -> None:
    batches.PATIENCE = 0.01  # many small commits, so that a kill meets every state
    index = open_index(place)
    flow = IngestFlow([Files()], lambda documents: (documents, SPLITTER(documents)), index, "d")
    print("begin", flush=True)
    ingest(flow, [str(folder)], base=folder, prune=True, on_progress=acknowledge)
    index.close()
    print("end", flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
