"""Upserts and deletes until it is killed, and says what was acknowledged."""

import sys
from itertools import count
from pathlib import Path

from ragbraid.index.faiss import Faiss
from ragbraid.testing.hash_sparse_encoder import HashSparseEncoder
from ragbraid.testing.index import EMBEDDER, change

SPARSE = HashSparseEncoder().open()


def main(folder: str, start: int) -> None:
    index = Faiss(Path(folder), EMBEDDER, tokens=EMBEDDER, sparse=SPARSE).open()
    for i in count(start):
        print("start", i, flush=True)
        index.upsert([change(f"s{i}", [f"word{i} part{j} goat" for j in range(1 + i % 7)])])
        print("done", i, flush=True)
        if i % 5 == 4:
            index.delete([f"s{i - 2}"])
            print("deleted", i - 2, flush=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
