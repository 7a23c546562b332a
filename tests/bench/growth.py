"""How an index grows: 10,000, 100,000 and a million vectors.

    python tests/bench/growth.py [--sizes N …] [--dimensions 384] [--folder FOLDER] [--plots FOLDER]

Unit vectors around 2,000 centres, ten to a document with text and metadata. Each index is opened by a fresh
process; recall is of the ten nearest by exact search over the same vectors. In `--folder` the indexes are
kept, and found again by the next run.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
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
CENTRES, SPREAD = 2000, 0.7
BLOCK, PER_DOCUMENT, QUERIES, K = 20_000, 10, 100, 10
BUCKETS = 100
"""So many values of a field, each of one document in a hundred."""


class Given:
    """An embedder by name alone: vectors are given."""

    identity = "given"

    def __init__(self, dimensions: int) -> None:
        self.dimensions = dimensions

    def __call__(self, texts: object) -> Vectors:
        raise NotImplementedError


def vectors(count: int, seed: int, dimensions: int) -> Vectors:
    centres = np.random.default_rng(1).standard_normal((CENTRES, dimensions), np.float32)
    chance = np.random.default_rng(seed)
    found = centres[chance.integers(0, CENTRES, count)]
    found += SPREAD * chance.standard_normal((count, dimensions), np.float32)
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


def build(folder: Path, size: int, dimensions: int) -> dict[str, float]:
    """Make an index, with what exact search finds beside it; what that took."""
    queries, taken = vectors(QUERIES, 0, dimensions), 0.0
    index = Faiss(folder / "index", Given(dimensions)).open()
    index.declare(["bucket", "year"])
    best = np.full((2, QUERIES, K), -np.inf, np.float32)  # of all, and of the query's own bucket
    for first in range(0, size, BLOCK):
        rows = vectors(min(BLOCK, size - first), first + 1, dimensions)
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
    return {"build": taken, "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024}


def measure(folder: Path, dimensions: int) -> dict[str, float]:
    """What this process, a fresh one, finds."""
    queries, warm = vectors(QUERIES, 0, dimensions), vectors(1000, 7, dimensions)
    tenth = np.load(folder / "tenth.npy")
    before = _memory()
    start = perf_counter()
    index = Faiss(folder / "index", Given(dimensions)).open()
    index.search_vector(warm[:1], K)
    opened, memory = perf_counter() - start, _memory() - before
    for each in warm:
        index.search_vector(each[None], K)
    held = _memory() - before

    def dense(number: int) -> list[Hit]:
        return index.search_vector(queries[number : number + 1], K)[0]

    def filtered(number: int) -> list[Hit]:
        scope = Scope(filter={"bucket": number})
        return index.search_vector(queries[number : number + 1], K, scope=scope)[0]

    def lexical(number: int) -> list[Hit]:
        return index.search_text([f"w{number * 7 + 1} w{number * 11 + 3} w{number}"], K)[0]

    found = {"open": opened, "memory": memory, "held": held}
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
    parser.add_argument("--dimensions", type=int, default=384)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--plots", type=Path)
    parser.add_argument("--work", nargs=2, metavar=("WHAT", "SIZE"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.work:
        what, size = options.work
        folder = options.folder / size
        made = build(folder, int(size), options.dimensions) if what == "build" else None
        print(json.dumps(made or measure(folder, options.dimensions)))
        return
    report.header(f"Growth of an index, {options.dimensions} dimensions", PACKAGES)
    with tempfile.TemporaryDirectory() as made:
        place = options.folder or Path(made)
        found = [grown(size, place, options.dimensions) for size in options.sizes]
    heads = ["vectors", "build s", "its peak MB", "disk MB", "open and first s", "its memory MB"]
    heads += ["after 1,000 questions", "top 10 ms", "recall", "1% filter ms", "recall", "again ms"]
    report.table([*heads, "by words ms"], map(row, found))
    if options.plots is not None:
        plot(found, options.plots)


def grown(size: int, place: Path, dimensions: int) -> dict[str, Any]:
    """What is measured of an index of this size, each in a process of its own."""
    folder, found = place / str(size), {"size": size}
    command = [sys.executable, __file__, "--folder", str(place), "--dimensions", str(dimensions), "--work"]
    for what in ("ask",) if (folder / "tenth.npy").exists() else ("build", "ask"):
        folder.mkdir(parents=True, exist_ok=True)
        done = subprocess.run([*command, what, str(size)], check=True, stdout=subprocess.PIPE)
        found |= json.loads(done.stdout)
    print(json.dumps(found), file=sys.stderr, flush=True)
    return found


def row(found: dict[str, Any]) -> list[str]:
    def told(key: str, scale: float, digits: int) -> str:
        return f"{found[key] * scale:,.{digits}f}" if key in found else "kept"

    return [
        told("size", 1, 0), told("build", 1, 0), told("peak", 1e-6, 0), told("disk", 1e-6, 0),
        told("open", 1, 2), told("memory", 1e-6, 0), told("held", 1e-6, 0), told("dense", 1e3, 1),
        told("dense recall", 1, 3), told("fresh", 1e3, 1), told("fresh recall", 1, 3),
        told("again", 1e3, 1), told("lexical", 1e3, 1),
    ]  # fmt: skip


def plot(found: Sequence[dict[str, Any]], folder: Path) -> None:
    """A small plot for each measure, by size."""
    from ragbraid.evaluate.plots import BLUE, altair_module, svg

    altair = altair_module()
    measures = {
        "build, s": ("build", 1),
        "disk, MB": ("disk", 1e-6),
        "open and first, s": ("open", 1),
        "its memory, MB": ("memory", 1e-6),
        "top 10, ms": ("dense", 1e3),
        "1% filter, ms": ("fresh", 1e3),
    }
    log = altair.Scale(type="log")
    charts = [
        altair.Chart(
            altair.Data(
                values=[{"vectors": each["size"], "y": each[key] * scale} for each in found if key in each]
            ),
            title=title,
        )
        .mark_line(point=True, color=BLUE)
        .encode(
            x=altair.X("vectors:Q", scale=log, axis=altair.Axis(format="~s", tickCount=3)),
            y=altair.Y("y:Q", title=None, scale=log, axis=altair.Axis(tickCount=3)),
        )
        .properties(width=150, height=110)
        for title, (key, scale) in measures.items()
    ]
    folder.mkdir(parents=True, exist_ok=True)
    (picture,) = svg([altair.vconcat(altair.hconcat(*charts[:3]), altair.hconcat(*charts[3:]))])
    (folder / "growth.svg").write_text(picture, "utf-8")


if __name__ == "__main__":
    main()
