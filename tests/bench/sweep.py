"""What a sweep of 24 points takes beside 24 evaluations of the same: prints figures, asserts nothing.

    PYTHONPATH=src python tests/bench/sweep.py [--questions 50]

Asks questions on the SQuAD paragraphs in `RAGBRAID_DATA` or `data`, by the default search and quotes without
short answers. Processor time is that of all threads; each evaluation is a process of its own.
"""

from __future__ import annotations

import argparse
import itertools
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

import report

DATA = Path(os.environ.get("RAGBRAID_DATA", Path(__file__).parents[2] / "data")).absolute()
PIPELINE = """\
ragbraid: 1
components:
  embedder: {type: sentence-transformer, model: all-minilm-l6-v2}
  index: {type: faiss, path: index, embedder: embedder}
ingest:
  - {type: rows, text: "{text}", id: _id, metadata: [title]}
  - {type: recursive-splitter, embedder: embedder, max_tokens: 220}
  - index
search:
  - {type: dense, index: index, candidates: 30}
  - {type: lexical, index: index, candidates: 30}
  - {type: rrf, hits: [dense, lexical]}
  - {type: maxsim, embedder: embedder}
ask:
  - search
  - {type: quote, embedder: embedder}
"""
GRID = {
    "search.maxsim.candidates": ("10", "15", "30"),
    "ask.quote.max_sentences": ("1", "2", "3", "4"),
    "ask.quote.price": ("0.003", "0.006"),
}


def run(folder: Path, *arguments: str) -> tuple[float, float]:
    """Wall-clock and processor seconds of a command."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "ragbraid", *arguments, "--quiet"], cwd=folder, check=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return time.perf_counter() - began, used


def main(arguments: Sequence[str] | None = None) -> None:
    """Run both and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--questions", type=int, default=50)
    count = parser.parse_args(arguments).questions
    asking = [str(DATA / "squad" / "questions.jsonl"), "--limit", str(count)]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "ragbraid.yaml").write_text(PIPELINE, "utf-8")
        (folder / "docs").mkdir()
        (folder / "docs" / "corpus.jsonl").symlink_to(DATA / "squad" / "corpus.jsonl")
        run(folder, "ingest", "docs")
        grid = [(key, ",".join(values)) for key, values in GRID.items()]
        swept = run(folder, "sweep", *asking, *_sets(grid))
        points = [list(zip(GRID, values, strict=True)) for values in itertools.product(*GRID.values())]
        single = [run(folder, "eval", *asking, *_sets(point)) for point in points]
    wall, used = (sum(each) for each in zip(*single, strict=True))
    report.header("Sweep", ["ragbraid", "torch"])
    print(f"\n| {count} questions | wall s | processor s |\n|---|---:|---:|")
    print(f"| a sweep of {len(points)} points, and the pipeline as it is | {swept[0]:.1f} | {swept[1]:.1f} |")
    print(f"| {len(points)} evaluations | {wall:.1f} | {used:.1f} |")


def _sets(values: Iterable[tuple[str, str]]) -> list[str]:
    return [part for key, value in values for part in ("--set", f"{key}={value}")]


if __name__ == "__main__":
    main()
