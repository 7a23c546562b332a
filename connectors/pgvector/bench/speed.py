"""What adding and searching take in PostgreSQL: `python bench/speed.py URL [CHUNKS]`.

Vectors are of 384 random numbers, and words as frequent as Zipf's law has them, with no stop words.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable

import numpy as np
from ragbraid_pgvector import PgVector
from ragbraid_pgvector.runtime import PgVectorRuntime

from ragbraid.index.protocol import Change, Entry
from ragbraid.secret import Secret
from ragbraid.testing.hash_embedder import HashEmbedder
from ragbraid.types import Chunk, Document, Scope

WORDS = [f"word{i}" for i in range(20_000)]
PER_DOCUMENT, BATCH = 20, 2000


def main(url: str, chunks: int) -> None:
    """Print rates and medians."""
    rng = np.random.default_rng(0)
    ranks = np.minimum(rng.zipf(1.2, size=(chunks, 80)), len(WORDS)) - 1
    texts = [" ".join(WORDS[each] for each in row) for row in ranks]
    vectors = rng.standard_normal((chunks, 384), dtype=np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    for structure in ("exact", "hnsw"):
        index = PgVector(Secret(url), HashEmbedder(384).open(), f"bench_{structure}", structure).open()
        begun = time.perf_counter()
        for first in range(0, chunks, BATCH):
            starts = range(first, min(first + BATCH, chunks), PER_DOCUMENT)
            index.upsert([change(at, texts, vectors) for at in starts])
        print(f"{structure}: {chunks / (time.perf_counter() - begun):.0f} chunks/s added")
        search(index, texts, vectors)
        index.close()


def search(index: PgVectorRuntime, texts: list[str], vectors: np.ndarray) -> None:
    """Print the medians of three kinds of questions."""
    year = Scope(filter={"year": 2003})
    median("dense", lambda i: index.search_vector(vectors[i : i + 1], 10))
    median("dense, a tenth by filter", lambda i: index.search_vector(vectors[i : i + 1], 10, scope=year))
    median("words", lambda i: index.search_text([" ".join(texts[i].split()[:6])], 10))


def change(at: int, texts: list[str], vectors: np.ndarray) -> Change:
    """A document of some chunks."""
    some = texts[at : at + PER_DOCUMENT]
    made, start = [], 0
    for each in some:
        made.append(Chunk(f"s{at}", start, start + len(each), each))
        start += len(each) + 1
    document = Document(f"s{at}", "\n".join(some), {"year": 2000 + at // PER_DOCUMENT % 10})
    return Change(f"s{at}", [Entry(document, made, vectors[at : at + PER_DOCUMENT])])


def median(name: str, ask: Callable[[int], object]) -> None:
    """Print the median of forty questions."""
    took = []
    for i in range(0, 400, 10):
        begun = time.perf_counter()
        ask(i)
        took.append(time.perf_counter() - begun)
    print(f"  {name}: {statistics.median(took) * 1000:.1f} ms")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 20_000)
