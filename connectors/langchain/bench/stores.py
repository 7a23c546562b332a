"""Our vector store beside LangChain's FAISS store, called as LangChain calls them: add, load, search.

Run it where `langchain-community` is installed besides: `python connectors/langchain/bench/stores.py 100000`.
Ours is synced to disk when `add_embeddings` returns; theirs is written by `save_local`, which counts, too.
Theirs is searched as it was built, and never loaded: that would unpickle.
"""

from __future__ import annotations

import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from langchain_core.embeddings import Embeddings
from langchain_ragbraid import RagbraidVectorStore

WIDTH, QUERIES, K = 384, 50, 10


class Given(Embeddings):
    """Vectors come with the texts, so that no model is measured."""

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        raise NotImplementedError

    def embed_query(self, text: str) -> list[float]:
        raise NotImplementedError


def timed(call: Callable[[], Any]) -> tuple[float, Any]:
    """Seconds that a call took, and what it gave."""
    began = time.perf_counter()
    given = call()
    return time.perf_counter() - began, given


def search(store: Any, queries: list[list[float]]) -> tuple[float, list[list[str]]]:
    """The median milliseconds of a search, and what was found."""
    times, found = [], []
    for query in queries:
        took, hits = timed(lambda query=query: store.similarity_search_by_vector(query, K))
        times.append(took * 1000)
        found.append([each.page_content for each in hits])
    return float(np.median(times)), found


def main(count: int) -> None:
    """Print the table."""
    from langchain_community.vectorstores import FAISS

    random = np.random.default_rng(7)
    centres = random.standard_normal((2000, WIDTH), dtype=np.float32)
    rows = centres[random.integers(0, 2000, count)] + 0.5 * random.standard_normal(
        (count, WIDTH), dtype=np.float32
    )
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    asked = rows[random.integers(0, count, QUERIES)] + 0.1 * random.standard_normal(
        (QUERIES, WIDTH), dtype=np.float32
    )
    queries = (asked / np.linalg.norm(asked, axis=1, keepdims=True)).tolist()
    texts = [f"Passage {n} of a corpus." for n in range(count)]
    metadatas = [{"source": f"{n}.md", "year": 2000 + n % 25} for n in range(count)]
    pairs, ids = list(zip(texts, rows.tolist(), strict=True)), [f"p{n}" for n in range(count)]

    print("| store | add, s | load and first search, s | search p50, ms |\n| --- | ---: | ---: | ---: |")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "ours"
        ours = RagbraidVectorStore(Given(), path)
        add, _ = timed(lambda: ours.add_embeddings(pairs, metadatas, ids=ids))
        ours.similarity_search_by_vector(queries[0], K)
        ours.close()
        ours = RagbraidVectorStore(Given(), path)
        load, _ = timed(lambda: ours.similarity_search_by_vector(queries[0], K))
        ms, found = search(ours, queries)
        ours.close()
        print(f"| langchain-ragbraid | {add:.1f} | {load:.3f} | {ms:.2f} |")

        def make() -> Any:
            made = FAISS.from_embeddings(pairs, Given(), metadatas=metadatas, ids=ids)
            made.save_local(folder)
            return made

        add, theirs = timed(make)
        ms, right = search(theirs, queries)
        print(f"| FAISS of langchain-community | {add:.1f} | | {ms:.2f} |")
    same = sum(len(set(one) & set(other)) for one, other in zip(found, right, strict=True))
    print(f"\n{same / (QUERIES * K):.4f} of theirs, which is exact, is in ours.")


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
