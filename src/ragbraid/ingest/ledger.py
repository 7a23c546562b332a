"""Keeps count of what becomes of each source, and tells the caller at once."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from ragbraid.errors import RagbraidError
from ragbraid.ingest.report import IngestReport, Kind, Progress
from ragbraid.types import Skipped


class Ledger:
    """The report as it grows; every entry is passed on as a `Progress`."""

    def __init__(self, on_progress: Callable[[Progress], None] | None) -> None:
        self.report = IngestReport()
        self.total = 0
        self._done = 0
        self._on_progress = on_progress
        self._began = time.monotonic()

    def stored(
        self, origin: str, kind: Kind, *, chunks: int = 0, former: str = "", warnings: Sequence[str] = ()
    ) -> None:
        """A source is committed."""
        self.report.chunks += chunks
        self.report.warnings += [Skipped(origin, each) for each in dict.fromkeys(warnings)]
        self._count(kind)
        self._tell(origin, kind, chunks, former, found=True)

    def unchanged(self, origin: str) -> None:
        """A source needed nothing."""
        self._count("unchanged")
        self._tell(origin, "unchanged", found=True)

    def failed(self, origin: str, error: Exception) -> None:
        """A source was found but can't be stored."""
        reason = str(error) if isinstance(error, RagbraidError) else f"{type(error).__name__}: {error}"
        entry = Skipped(origin, " ".join(reason.split()))
        self.report.failed.append(entry)
        self._tell(origin, "failed", reason=entry.reason, found=True)

    def skipped(self, entry: Skipped, *, found: bool) -> None:
        """A source was left out, by the scan or (`found`) after a look into it."""
        self.report.skipped.append(entry)
        self._tell(entry.source, "skipped", reason=entry.reason, found=found)

    def absent(self, origin: str, kind: Kind) -> None:
        """A stored source wasn't found: it is `gone`, or was `removed`."""
        self._count(kind)
        self._tell(origin, kind)

    def close(self, embedded: int) -> IngestReport:
        """The finished report."""
        self.report.embedded = embedded
        self.report.seconds = time.monotonic() - self._began
        return self.report

    def _count(self, kind: Kind) -> None:
        setattr(self.report, kind, getattr(self.report, kind) + 1)

    def _tell(
        self, source: str, kind: Kind, chunks: int = 0, reason: str = "", *, found: bool = False
    ) -> None:
        self._done += found
        if self._on_progress is not None:
            self._on_progress(Progress(source, kind, chunks, self._done, self.total, reason))
