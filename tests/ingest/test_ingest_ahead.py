"""Sources are read and split ahead of their turn, and what comes of it doesn't depend on how far ahead."""

from __future__ import annotations

import random
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from ragbraid import Pipeline
from ragbraid.ingest.ahead import Job, ahead

PIPELINE = """
ragbraid: 1
components:
  index: {type: faiss, path: index, embedder: {type: testing/hash-embedder}}
ingest:
  - {type: files}
  - {type: recursive-splitter, max_tokens: 20}
  - index
search:
  - {type: dense, index: index}
"""


def written(folder: Path) -> Path:
    rng = random.Random(3)
    (folder / "docs").mkdir(parents=True)
    (folder / "ragbraid.yaml").write_text(PIPELINE, "utf-8")
    for number in range(40):
        words = " ".join(
            rng.choice(["harbour", "ledger", "signal", "copper", "winter"])
            for _ in range(rng.randrange(1, 400))
        )
        kind = rng.choice(("txt", "md", "html"))
        text = f"<p>{words}</p>" if kind == "html" else words
        (folder / "docs" / f"{number}.{kind}").write_text(text, "utf-8")
    (folder / "docs" / "broken.pdf").write_bytes(b"%PDF-1.4 broken")
    return folder


def ingested(folder: Path, workers: int) -> tuple[Any, ...]:
    told: list[tuple[str, str]] = []
    with Pipeline.load(written(folder) / "ragbraid.yaml") as pipeline:
        report = pipeline.ingest(
            folder / "docs", workers=workers, on_progress=lambda each: told.append((each.source, each.kind))
        )
        held = stored(pipeline)
    failed = [(each.source, each.reason) for each in report.failed]
    return told, report.chunks, failed, held


def stored(pipeline: Pipeline) -> Any:
    """All that the index holds, and what a search finds in it."""
    documents = [pipeline.document(each.source) for each in pipeline.sources()]
    return documents, [(each.id, each.score) for each in pipeline.search("copper winter", k=50)]


def test_the_result_does_not_depend_on_the_workers(tmp_path: Path) -> None:
    alone = ingested(tmp_path / "1", 1)
    assert len(alone[0]) == 41
    assert ingested(tmp_path / "2", 2) == alone
    assert ingested(tmp_path / "4", 4) == alone


CHILD = """
import sys
from ragbraid import Pipeline
from ragbraid.ingest import batches

batches.PATIENCE = 0.0  # a commit for each source or two, so that the kill comes between two of them

def told(each):
    print(each.source, flush=True)
    if each.done == 9:
        input()  # and what is read ahead goes on

with Pipeline.load("ragbraid.yaml") as pipeline:
    pipeline.ingest("docs", workers=int(sys.argv[1]), on_progress=told)
"""


@pytest.mark.parametrize("workers", [1, 2, 4])
def test_nor_on_being_killed_half_way(tmp_path: Path, workers: int) -> None:
    *_, whole = ingested(tmp_path / "whole", 1)
    folder = written(tmp_path / "killed")
    command = [sys.executable, "-c", CHILD, str(workers)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, cwd=folder, **pipes) as child:  # type: ignore[call-overload]
        assert child.stdout is not None
        acknowledged = [child.stdout.readline() for _ in range(9)]
        child.kill()
    with Pipeline.load(folder / "ragbraid.yaml") as pipeline:
        before = {each.source for each in pipeline.sources()}
        assert {each.strip() for each in acknowledged} - {"docs/broken.pdf"} <= before
        assert len(before) < 40
        report = pipeline.ingest(folder / "docs", workers=workers)
        assert report.unchanged == len(before)
        assert stored(pipeline) == whole


@pytest.mark.parametrize("workers", [1, 3])
def test_results_come_in_order_and_errors_where_they_belong(workers: int) -> None:
    def job(number: int) -> Job[int]:
        def work() -> int:
            if number % 5 == 3:
                raise ValueError(number)
            return number

        return Job(work, size=number % 4 * 10_000_000)

    for number, each in enumerate(ahead(map(job, range(50)), workers, lambda _: None)):
        if number % 5 == 3:
            with pytest.raises(ValueError, match=f"^{number}$"):
                each.get()
        else:
            assert each.get() == number
    assert number == 49


def test_no_more_is_begun_than_is_soon_taken() -> None:
    begun: list[int] = []
    jobs = (Job(lambda number=number: begun.append(number), 1) for number in range(100))  # type: ignore[misc]
    results = ahead(jobs, 2, lambda _: None)
    next(results).get()
    assert len(begun) <= 5
    results.close()


def test_closing_it_leaves_no_thread() -> None:
    before, gate, cut = threading.active_count(), threading.Event(), []

    def abandon(threads: set[int]) -> None:
        cut.extend(threads)
        gate.set()

    first = threading.Event()
    first.set()
    waits = (first.wait if number == 0 else gate.wait for number in range(20))
    results = ahead((Job(wait, 1) for wait in waits), 3, abandon)
    next(results).get()
    results.close()  # the others wait for what `abandon` does
    assert threading.active_count() == before
    assert cut
