"""How an index grows: 10,000, 100,000 and a million vectors. `python tests/bench/growth.py [--sizes N …]`.

Unit vectors of 384 dimensions around 2,000 centres, ten to a document with text and metadata. Each index is
opened by a fresh process; recall is of the ten nearest by exact search over the same vectors. With `--folder`
the indexes are kept there, and found again by the next run.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np
import report

from ragbraid.index.faiss import Faiss
from ragbraid.index.protocol import Change, Entry
from ragbraid.types import Chunk, Document, Hit, Scope, Vectors

PACKAGES = ["ragbraid", "numpy", "faiss-cpu", "tantivy"]
DIMENSIONS, CENTRES, SPREAD = 384, 2000, 0.7
BLOCK, PER_DOCUMENT, QUERIES, K = 20_000, 10, 100, 10
BUCKETS = 100
"""So many values of a field, each of one document in a hundred."""


class Given:
    """An embedder by name alone: vectors are given."""

    identity, dimensions = "given", DIMENSIONS

    def __call__(self, texts: object) -> Vectors:
        raise NotImplementedError


def vectors(count: int, seed: int) -> Vectors:
    centres = np.random.default_rng(1).standard_normal((CENTRES, DIMENSIONS), np.float32)
    chance = np.random.default_rng(seed)
    found = centres[chance.integers(0, CENTRES, count)]
    found += SPREAD * chance.standard_normal((count, DIMENSIONS), np.float32)
    return found / np.linalg.norm(found, axis=1, keepdims=True)


def documents(first: int, rows: Vectors) -> Iterator[Change]:
    words = np.random.default_rng(first).zipf(1.3, (len(rows), 12)) % 5000
    for at in range(0, len(rows), PER_DOCUMENT):
        number = (first + at) // PER_DOCUMENT
        parts = [
            f"passage {first + at + i} " + " ".join(f"w{word}" for word in words[at + i])
            for i in range(PER_DOCUMENT)
        ]
        text, source = "\n".join(parts), f"d{number}"
        ends = np.cumsum([len(each) + 1 for each in parts]).tolist()
        chunks = [Chunk(source, low, high - 1, text[low : high - 1]) for low, high in pairwise([0, *ends])]
        document = Document(source, text, {"bucket": number % BUCKETS, "year": 1990 + number % 37})
        yield Change(source, [Entry(document, chunks, rows[at : at + PER_DOCUMENT])])


def build(folder: Path, size: int) -> float:
    """Make an index, with what exact search finds beside it; seconds that the index took."""
    index, queries, taken = Faiss(folder / "index", Given()).open(), vectors(QUERIES, 0), 0.0
    index.declare(["bucket", "year"])
    best = np.full((2, QUERIES, K), -np.inf, np.float32)  # of all, and of the query's own bucket
    for first in range(0, size, BLOCK):
        rows = vectors(min(BLOCK, size - first), first + 1)
        scores = queries @ rows.T
        own = np.arange(first, first + len(rows)) // PER_DOCUMENT % BUCKETS == np.arange(QUERIES)[:, None]
        for place, some in enumerate((scores, np.where(own, scores, -np.inf))):
            best[place] = -np.sort(-np.concatenate([best[place], some], axis=1), axis=1)[:, :K]
        changes = list(documents(first, rows))
        start = perf_counter()
        index.upsert(changes)
        taken += perf_counter() - start
    index.close()
    np.save(folder / "tenth.npy", best[:, :, -1])
    return taken


def measure(folder: Path) -> dict[str, float]:
    """What this process, a fresh one, finds."""
    queries, warm = vectors(QUERIES, 0), vectors(1000, 7)
    tenth = np.load(folder / "tenth.npy")
    before = _memory()
    start = perf_counter()
    index = Faiss(folder / "index", Given()).open()
    index.search_vector(warm[:1], K)
    opened, memory = perf_counter() - start, _memory() - before
    for each in warm:
        index.search_vector(each[None], K)

    def dense(number: int) -> list[Hit]:
        return index.search_vector(queries[number : number + 1], K)[0]

    def filtered(number: int) -> list[Hit]:
        scope = Scope(filter={"bucket": number})
        return index.search_vector(queries[number : number + 1], K, scope=scope)[0]

    def lexical(number: int) -> list[Hit]:
        return index.search_text([f"w{number * 7 + 1} w{number * 11 + 3} w{number}"], K)[0]

    found = {"open": opened, "memory": memory}
    for name, ask, least in (("dense", dense, tenth[0]), ("fresh", filtered, tenth[1])):
        found[name], hits = timed(ask)
        right = [
            sum(hit.score >= bound - 1e-6 for hit in some) for some, bound in zip(hits, least, strict=True)
        ]
        found[f"{name} recall"] = sum(right) / (QUERIES * K)
    found["again"], _ = timed(filtered)
    found["lexical"], _ = timed(lexical)
    found["disk"] = sum(each.stat().st_size for each in folder.rglob("*") if each.is_file())
    index.close()
    return found


def timed(ask: Callable[[int], list[Hit]]) -> tuple[float, list[list[Hit]]]:
    """The median of all queries in seconds, and their hits."""
    taken, found = [], []
    for number in range(QUERIES):
        start = perf_counter()
        found.append(ask(number))
        taken.append(perf_counter() - start)
    return median(taken), found


def _memory() -> int:
    """Bytes of memory that this process holds, those of files included that it has mapped."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        print(json.dumps(measure(options.measure)))
        return
    report.header("Growth of an index", PACKAGES)
    with tempfile.TemporaryDirectory() as made:
        rows = [row(size, (options.folder or Path(made)) / str(size)) for size in options.sizes]
    heads = ["vectors", "build s", "disk MB", "open and first s", "its memory MB", "top 10 ms", "recall"]
    report.table([*heads, "1% filter ms", "recall", "again ms", "by words ms"], rows)


def row(size: int, folder: Path) -> list[str]:
    built = "kept"
    if not (folder / "tenth.npy").exists():
        folder.mkdir(parents=True)
        built = f"{build(folder, size):.0f}"
    command = [sys.executable, __file__, "--measure", str(folder)]
    found: dict[str, Any] = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    milliseconds = {name: f"{found[name] * 1000:.1f}" for name in ("dense", "fresh", "again", "lexical")}
    megabytes = {name: f"{found[name] / 1e6:.0f}" for name in ("disk", "memory")}
    return [
        f"{size:,}", built, megabytes["disk"], f"{found['open']:.2f}", megabytes["memory"],
        milliseconds["dense"], f"{found['dense recall']:.3f}", milliseconds["fresh"],
        f"{found['fresh recall']:.3f}", milliseconds["again"], milliseconds["lexical"],
    ]  # fmt: skip


if __name__ == "__main__":
    main()
