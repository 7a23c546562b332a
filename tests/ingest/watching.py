"""A pipeline that watches a folder in a thread, and what it holds meanwhile."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ragbraid import Pipeline
from ragbraid.index.faiss import Faiss
from ragbraid.ingest.report import IngestReport, Progress
from ragbraid.load.files import Files
from ragbraid.split.recursive_splitter import RecursiveSplitter

SECONDS = 60.0
"""Patience with a machine that has other work; on an idle one each wait is over in about a second."""


def pipeline(base: Path) -> Pipeline:
    """Files by words alone, in the folder's own `.ragbraid`."""
    return Pipeline.build(
        components={"index": Faiss(base / ".ragbraid" / "index")},
        ingest=[Files(), RecursiveSplitter(), "index"],
        base=base,
    )


class Watching:
    """Watches until the block ends; `told` has every change but `unchanged`."""

    def __init__(self, base: Path, *paths: Path, **options: Any) -> None:
        self.pipeline = pipeline(base)
        self.told: list[Progress] = []
        self.notices: list[str] = []
        self.reports: list[IngestReport] = []
        self.error: BaseException | None = None
        self.watch = self.pipeline.watch(
            [str(each) for each in paths or (base,)],
            on_progress=self._tell, on_notice=self.notices.append, **options,
        )  # fmt: skip
        self._thread = threading.Thread(target=self._iterate)

    def __enter__(self) -> Watching:
        self._thread.start()
        self.until(lambda: len(self.reports) == 1)
        return self

    def __exit__(self, *_: object) -> None:
        self.watch.stop()
        self._thread.join(SECONDS)
        assert not self._thread.is_alive()
        self.pipeline.close()
        if self.error is not None:
            raise self.error

    def until(self, wanted: Callable[[], bool], seconds: float = SECONDS) -> None:
        """Wait for it, and no longer than it takes."""
        deadline = time.monotonic() + seconds
        while not wanted():
            assert self.error is None, self.error
            assert time.monotonic() < deadline, (self.told[-5:], self.texts().keys())
            time.sleep(0.02)

    def texts(self) -> dict[str, str]:
        """Source → stored text."""
        return {each.source: self.pipeline.document(each.source).text for each in self.pipeline.sources()}

    def holds(self, wanted: dict[str, str]) -> Callable[[], bool]:
        return lambda: (
            [each.source for each in self.pipeline.sources()] == sorted(wanted) and (self.texts() == wanted)
        )

    def kinds(self) -> list[tuple[str, str]]:
        return [(each.kind, each.source) for each in self.told]

    def _tell(self, progress: Progress) -> None:
        if progress.kind != "unchanged":
            self.told.append(progress)

    def _iterate(self) -> None:
        try:
            for each in self.watch:
                self.reports.append(each)
        except BaseException as error:
            self.error = error
