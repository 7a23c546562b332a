"""Our index beside other stores: the same vectors, texts, metadata and questions, one after another.

    PYTHONPATH=src python tests/bench/indexes.py [--size 1000000] [--peers PYTHON] [--minutes 25]

PYTHON is the interpreter of an environment with lancedb, chromadb, qdrant-client, langchain-community,
llama-index-vector-stores-faiss and faiss-cpu. Each contender builds in a process of its own and, where it
lies on disk, is opened and asked in another. Recall is of the ten nearest by exact search; the filter leaves
one row in a hundred. A process that takes more than 16 GiB, or so many minutes, is ended, and told so.
Nothing of a peer is ever unpickled: LangChain's and LlamaIndex's FAISS are built and asked in one process.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np

DIMENSIONS, CENTRES, SPREAD, BUCKETS, BLOCK, QUERIES, K = 384, 2000, 0.7, 100, 20_000, 100, 10
MOST = 16 << 30


def vectors(count: int, seed: int) -> Any:
    """Unit vectors around centres, as those of texts are."""
    centres = np.random.default_rng(1).standard_normal((CENTRES, DIMENSIONS), np.float32)
    chance = np.random.default_rng(seed)
    found = centres[chance.integers(0, CENTRES, count)]
    found += SPREAD * chance.standard_normal((count, DIMENSIONS), np.float32)
    return found / np.linalg.norm(found, axis=1, keepdims=True)


def blocks(size: int) -> Iterator[Any]:
    for first in range(0, size, BLOCK):
        rows = vectors(min(BLOCK, size - first), first + 1)
        words = np.random.default_rng(first).zipf(1.3, (len(rows), 12)) % 5000
        texts = [
            f"passage {first + at} " + " ".join(f"w{word}" for word in words[at]) for at in range(len(rows))
        ]
        yield first, rows, texts, [(first + at) % BUCKETS for at in range(len(rows))]


class Ours:
    """ragbraid's index, each row a document."""

    name, on_disk = "ragbraid", True

    def build(self, folder: Path, given: Iterator[Any]) -> None:
        from ragbraid.index.protocol import Change, Entry
        from ragbraid.types import Chunk, Document

        index = self._opened(folder)
        index.declare(["bucket"])
        for first, rows, texts, buckets in given:
            changes = []
            for at, text in enumerate(texts):
                source = f"d{first + at}"
                document = Document(source, text, {"bucket": buckets[at]})
                chunk = Chunk(source, 0, len(text), text, id=str(first + at))
                changes.append(Change(source, [Entry(document, [chunk], rows[at : at + 1])]))
            index.upsert(changes)
        index.close()

    def open(self, folder: Path) -> None:
        self.index = self._opened(folder)

    def search(self, vector: Any, k: int, bucket: int | None = None) -> list[int]:
        from ragbraid.types import Scope

        scope = Scope(filter=None if bucket is None else {"bucket": bucket})
        return [int(hit.id) for hit in self.index.search_vector(vector[None], k, scope=scope)[0]]

    def _opened(self, folder: Path) -> Any:
        from ragbraid.index.faiss import Faiss

        class Given:
            identity, dimensions = "given", DIMENSIONS

        return Faiss(folder, Given()).open()  # type: ignore[arg-type]


def contender(name: str) -> Any:
    if name == "ragbraid":
        return Ours()
    from peer_indexes import PEERS

    return PEERS[name]()


def work(name: str, what: str, size: int, folder: Path) -> dict[str, Any]:
    """What a process of its own does: `build`, or `ask`, or both where nothing is on disk."""
    given, found = contender(name), {"name": contender(name).name}
    started = _memory()
    if what == "build" or not given.on_disk:
        began = perf_counter()
        given.build(folder, blocks(size))
        found["build"] = perf_counter() - began
        found["peak"] = _peak()
    if what == "ask" or not given.on_disk:
        found |= _asked(given, folder, started)
    return found


def _asked(given: Any, folder: Path, started: int) -> dict[str, Any]:
    truth = np.load(folder.parent / "truth.npz")
    queries, found = vectors(QUERIES, 0), {}
    began = perf_counter()
    if given.on_disk:
        given.open(folder)
        given.search(queries[0], K)
        found["open"] = perf_counter() - began
    found["memory"] = _memory() - started
    for each in vectors(50, 7):
        given.search(each, K)
    for mark, buckets, right in (("top", None, truth["all"]), ("filtered", True, truth["filtered"])):
        taken, hits = [], 0
        try:
            for number in range(QUERIES):
                began = perf_counter()
                ids = given.search(queries[number], K, None if buckets is None else number % BUCKETS)
                taken.append(perf_counter() - began)
                hits += len(set(ids) & set(right[number].tolist()))
        except NotImplementedError:
            continue
        found |= {mark: median(taken), f"{mark} recall": hits / (QUERIES * K)}
    return found


def truth(size: int, folder: Path) -> None:
    """The ten nearest of each question, of all rows and of its bucket's."""
    queries = vectors(QUERIES, 0)
    best = np.full((2, QUERIES, K), -np.inf, np.float32)
    ids = np.zeros((2, QUERIES, K), np.int64)
    for first, rows, _, buckets in blocks(size):
        scores = queries @ rows.T
        own = np.array(buckets) == np.arange(QUERIES)[:, None] % BUCKETS
        for place, some in enumerate((scores, np.where(own, scores, -np.inf))):
            every = np.concatenate([best[place], some], axis=1)
            names = np.concatenate(
                [ids[place], np.broadcast_to(np.arange(first, first + len(rows)), some.shape)], axis=1
            )
            order = np.argsort(-every, axis=1)[:, :K]
            best[place], ids[place] = np.take_along_axis(every, order, 1), np.take_along_axis(names, order, 1)
    np.savez(folder / "truth.npz", all=ids[0], filtered=ids[1])


def run(python: str, name: str, what: str, size: int, folder: Path, minutes: int) -> dict[str, Any]:
    """Run `work` elsewhere, and end it where it takes too much memory or time."""
    began = perf_counter()
    command = [python, __file__, "--work", name, what, "--size", str(size), "--folder", str(folder)]
    # In a file: a store that says much would wait for a pipe that nobody reads.
    with tempfile.TemporaryFile("w+") as said:
        child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=said, text=True)
        while child.poll() is None:
            much = "16 GiB" if _memory(child.pid) > MOST else ""
            if perf_counter() - began > 60 * minutes:
                much = f"{minutes} minutes"
            if much:
                child.kill()
                child.communicate()
                return {"name": name, "ended": f"it took more than {much}"}
            time.sleep(0.2)
        out, _ = child.communicate()
        if child.returncode:
            said.seek(0)
            return {"name": name, "ended": (said.read().strip().splitlines() or ["no reason given"])[-1]}
    return dict(json.loads(out.splitlines()[-1]))


def _memory(pid: int | str = "self") -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError):
        return 0


def _peak() -> int:
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=1_000_000)
    parser.add_argument("--peers", default=sys.executable)
    parser.add_argument(
        "--only", nargs="+", default=["ragbraid", "lancedb", "langchain", "llama-index", "chroma", "qdrant"]
    )
    parser.add_argument("--minutes", type=int, default=25)
    parser.add_argument("--plots", type=Path)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--work", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.work:
        print(json.dumps(work(*options.work, options.size, options.folder)))
        return
    import report

    report.header(f"Indexes of {options.size:,} vectors", ["ragbraid", "numpy", "faiss-cpu", "tantivy"])
    rows = []
    with tempfile.TemporaryDirectory() as made:
        truth(options.size, Path(made))
        for name in options.only:
            folder = Path(made) / name
            folder.mkdir()
            python = sys.executable if name == "ragbraid" else options.peers
            found = run(python, name, "build", options.size, folder, options.minutes)
            if "ended" not in found and "top" not in found:
                found |= run(python, name, "ask", options.size, folder, options.minutes)
            if size := sum(each.stat().st_size for each in folder.rglob("*") if each.is_file()):
                found["disk"] = size
            rows.append(found)
            print(json.dumps(found), file=sys.stderr, flush=True)
    heads = ["store", "build s", "its peak MB", "disk MB", "open and first s", "its memory MB"]
    report.table([*heads, "top 10 ms", "recall", "1% filter ms", "recall"], [_row(each) for each in rows])
    for each in rows:
        if "ended" in each:
            print(f"\n{each['name']} was ended: {each['ended']}")
    if options.plots is not None:
        _plot(rows, options.size, options.plots)


def _row(found: dict[str, Any]) -> list[str]:
    def told(key: str, scale: float, digits: int) -> str:
        return f"{found[key] * scale:,.{digits}f}" if key in found else "–"

    return [
        found["name"], told("build", 1, 0), told("peak", 1e-6, 0), told("disk", 1e-6, 0),
        told("open", 1, 2), told("memory", 1e-6, 0), told("top", 1e3, 1), told("top recall", 1, 3),
        told("filtered", 1e3, 1), told("filtered recall", 1, 3),
    ]  # fmt: skip


def _plot(rows: list[dict[str, Any]], size: int, folder: Path) -> None:
    """Milliseconds by store, each with its recall: a picture for all rows and one for the filter."""
    from ragbraid.evaluate.plots import BLUE, GREY, altair_module, svg

    altair = altair_module()
    for key, title in (("top", "top 10"), ("filtered", "top 10 of 1%")):
        values = [
            {"store": each["name"], "ms": each[key] * 1e3, "recall": f"recall {each[f'{key} recall']:.3f}"}
            for each in rows
            if key in each
        ]
        base = altair.Chart(altair.Data(values=values)).encode(
            x=altair.X("ms:Q", scale=altair.Scale(type="log"), title=f"{title} of {size:,} vectors, ms"),
            y=altair.Y("store:N", sort="x", title=None, axis=altair.Axis(labelLimit=260)),
        )
        colour = altair.condition("datum.store == 'ragbraid'", altair.value(BLUE), altair.value(GREY))
        points = base.mark_point(filled=True, size=90).encode(color=colour)
        recall = base.mark_text(dy=-10).encode(text="recall:N")
        folder.mkdir(parents=True, exist_ok=True)
        (picture,) = svg([(points + recall).properties(width=420, height=180)])
        (folder / f"indexes-{key}.svg").write_text(picture, "utf-8")


if __name__ == "__main__":
    main()
