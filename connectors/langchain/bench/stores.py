"""Our vector store beside LangChain's FAISS store, called as LangChain calls them: add, load, search.

Run it where `langchain-community` is installed besides: `python connectors/langchain/bench/stores.py 100000`.
Ours is synced to disk when `add_embeddings` returns; theirs is written by `save_local`, which counts, and
loaded as LangChain's own guide does, which unpickles: here it is a file that this script has just written.
Loads and searches take turns; a load ends with its first search.
"""

from __future__ import annotations

import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
from langchain_core.embeddings import Embeddings
from langchain_ragbraid import RagbraidVectorStore

WIDTH, QUERIES, K, LOADS = 384, 50, 10, 3


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


def searches(stores: Sequence[Any], queries: list[list[float]]) -> tuple[list[float], list[list[list[str]]]]:
    """Each store's median milliseconds of a search, and what it found."""
    times: list[list[float]] = [[] for _ in stores]
    found: list[list[list[str]]] = [[] for _ in stores]
    for query in queries:
        for place, store in enumerate(stores):
            took, hits = timed(lambda store=store, query=query: store.similarity_search_by_vector(query, K))
            times[place].append(took * 1000)
            found[place].append([each.page_content for each in hits])
    return [float(np.median(each)) for each in times], found


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

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "ours"

        def make_ours() -> None:
            with closing(RagbraidVectorStore(Given(), path)) as made:
                made.add_embeddings(pairs, metadatas, ids=ids)

        def make_theirs() -> None:
            FAISS.from_embeddings(pairs, Given(), metadatas=metadatas, ids=ids).save_local(folder)

        def load_ours() -> Any:
            store = RagbraidVectorStore(Given(), path)
            store.similarity_search_by_vector(queries[0], K)
            return store

        def load_theirs() -> Any:
            # Theirs unpickles; the folder was written a moment ago, by this process.
            store = FAISS.load_local(folder, Given(), allow_dangerous_deserialization=True)
            store.similarity_search_by_vector(queries[0], K)
            return store

        adds = [timed(make)[0] for make in (make_ours, make_theirs)]
        load_ours().close()  # what is derived from the records is made by the first search of all
        loads: list[list[float]] = [[], []]
        for _ in range(LOADS):
            for place, load in enumerate((load_ours, load_theirs)):
                took, store = timed(load)
                loads[place].append(took)
                if place == 0:
                    store.close()
        ours = load_ours()
        ms, (found, right) = searches((ours, load_theirs()), queries)
        ours.close()
    print("| store | add, s | load and first search, s | search p50, ms |\n| --- | ---: | ---: | ---: |")
    for name, add, load_s, search_ms in zip(("langchain-ragbraid", "FAISS"), adds, loads, ms, strict=True):
        print(f"| {name} | {add:.1f} | {np.median(load_s):.3f} | {search_ms:.2f} |")
    same = sum(len(set(one) & set(other)) for one, other in zip(found, right, strict=True))
    print(f"\n{same / (QUERIES * K):.4f} of theirs, which is exact, is in ours.")


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
