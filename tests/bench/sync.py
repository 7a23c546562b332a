"""What staying up to date costs: a sync of unchanged files, and the memory of a large first one.

Text is embedded with `ragbraid.testing`'s embedder, so that what is measured is ragbraid and no model. Each
ingest is a process of its own, whose peak memory the operating system tells.
Run it as `python tests/bench/sync.py [--unchanged N] [--files N] [--megabytes N]`. The large ingest is left
out unless `--files 50000` asks for it: it takes an hour or two and 8 GB of disk.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter
from typing import Any

import report

PACKAGES = ["ragbraid", "numpy", "faiss-cpu", "tantivy", "pathspec"]
FOLDERS = 100


def write(folder: Path, files: int, characters: int) -> None:
    """Text files of unlike words, spread over folders, in paragraphs."""
    chance = random.Random(7)
    letters = "abcdefghijklmnopqrstuvwxyz"
    words = ["".join(chance.choices(letters, k=chance.randrange(2, 11))) for _ in range(30_000)]
    for number in range(files):
        path = folder / f"{number % FOLDERS:03}" / f"{number:06}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        text = chance.choices(words, k=characters // 7)
        paragraphs = (" ".join(text[at : at + 80]) for at in range(0, len(text), 80))
        path.write_text(".\n\n".join(paragraphs)[:characters], "utf-8")


def ingest(folder: Path, place: Path) -> dict[str, Any]:
    """Ingest in a process of its own: its report, with `seconds` from start to end and peak `megabytes`."""
    began = perf_counter()
    command = [sys.executable, __file__, "--child", str(folder), str(place)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return {**json.loads(done.stdout), "whole": perf_counter() - began}


def child(folder: str, place: str) -> None:
    """One ingest with a new pipeline, as the command line does it."""
    from ragbraid import Pipeline
    from ragbraid.index.faiss import Faiss
    from ragbraid.load.files import Files
    from ragbraid.split.recursive_splitter import RecursiveSplitter
    from ragbraid.testing import HashEmbedder

    embedder = HashEmbedder()
    with Pipeline.build(
        components={"embedder": embedder, "index": Faiss(Path(place), embedder)},
        ingest=[Files(), RecursiveSplitter(embedder), "index"],
        base=folder,
    ) as pipeline:
        told = pipeline.ingest(folder)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    counts = {"new": told.new, "unchanged": told.unchanged, "chunks": told.chunks}
    print(json.dumps({**counts, "seconds": told.seconds, "megabytes": peak / 1e6}))


def unchanged(place: Path, files: int, rounds: int) -> None:
    """Seconds for a sync that finds nothing to do."""
    folder = place / "unchanged"
    write(folder, files, 600)
    first = ingest(folder, place / "unchanged-index")
    assert first["new"] == files, first
    taken = [ingest(folder, place / "unchanged-index") for _ in range(rounds)]
    assert all(each["unchanged"] == files for each in taken), taken
    report.table(
        ["sync", "files", "least s", "least s, with the process's start", "peak MB"],
        [
            _row("first", [first], files),
            _row("nothing changed", taken, files),
        ],
    )
    report.verdict(f"sync of {files} unchanged files", min(each["seconds"] for each in taken), 3.0, " s")


def large(place: Path, files: int, megabytes: int) -> None:
    """Peak memory of a large first ingest."""
    folder = place / "large"
    write(folder, files, megabytes * 1_000_000 // files)
    done = ingest(folder, place / "large-index")
    assert done["new"] == files, done
    report.table(
        ["first ingest", "files", "least s", "least s, with the process's start", "peak MB"],
        [_row(f"{megabytes} MB, {done['chunks']} chunks", [done], files)],
    )
    report.verdict(f"peak memory for {megabytes} MB in {files} files", done["megabytes"], 700, " MB")


def _row(name: str, taken: list[dict[str, Any]], files: int) -> list[str]:
    least = (min(each[what] for each in taken) for what in ("seconds", "whole"))
    return [name, str(files), *(f"{each:.1f}" for each in least), f"{max(t['megabytes'] for t in taken):.0f}"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--unchanged", type=int, default=20_000, help="files of the sync")
    parser.add_argument("--files", type=int, default=0, help="files of the large ingest")
    parser.add_argument("--megabytes", type=int, default=2000, help="text of the large ingest")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        child(*given.child)
        return
    report.header("Sync", PACKAGES)
    with tempfile.TemporaryDirectory() as place:
        if given.unchanged:
            unchanged(Path(place), given.unchanged, given.rounds)
        if given.files:
            large(Path(place), given.files, given.megabytes)


if __name__ == "__main__":
    main()
