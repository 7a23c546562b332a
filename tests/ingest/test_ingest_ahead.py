"""Sources are read and split ahead of their turn, and what comes of it doesn't depend on how far ahead."""

from __future__ import annotations

import random
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
        hits = [pipeline.document(each.source).chunks for each in pipeline.sources()]
        near = [(each.id, each.score) for each in pipeline.search("copper winter", k=50)]
    failed = [(each.source, each.reason) for each in report.failed]
    return told, report.chunks, failed, hits, near


def test_the_result_does_not_depend_on_the_workers(tmp_path: Path) -> None:
    alone = ingested(tmp_path / "1", 1)
    assert len(alone[0]) == 41
    assert ingested(tmp_path / "2", 2) == alone
    assert ingested(tmp_path / "7", 7) == alone


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
