"""Keeps an index true while people edit: waits until changes settle, then syncs what differs."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from ragbraid.context import Cancellation, Context
from ragbraid.errors import Cancelled, IndexLocked, InputError
from ragbraid.ingest.driver import sync
from ragbraid.ingest.flow import IngestFlow
from ragbraid.ingest.notices import Notices
from ragbraid.ingest.report import IngestReport, Progress
from ragbraid.ingest.scan import Scan, has_scheme, scan
from ragbraid.types import SourceRef

QUIET = 0.3
"""Seconds without a change after which changes count as settled."""
MOST = 2.0
"""Seconds after which changes are taken in though more keep coming."""
_AGAIN = 1.0
"""Seconds until another try where another process was writing."""

Begin: TypeAlias = Callable[[], tuple[IngestFlow, Cancellation]]
"""Makes the flow for one sync, and what cancels it."""


class Watch:
    """Syncs once, then after every change; yields the report of each sync that had something to tell.

    Iterate over it in one thread; `stop` may be called from another, or from a signal handler, and ends
    the iteration. What was stored stays, as with an ingest that is cancelled. Between syncs nothing is
    locked.

    Each sync scans all paths, and takes up what differs from the scan before; so nothing depends on what
    the system's notices name, only on there being one. A source is removed where the scan before saw its
    file and this one doesn't, or, with `prune`, where the first one didn't. A path that vanishes is left
    alone, with all that is stored from under it, and watched again once it is back.
    """

    def __init__(
        self,
        begin: Begin,
        paths: Sequence[str],
        *,
        base: Path,
        ignore: Sequence[Path] = (),
        prune: bool = False,
        metadata: Mapping[str, Any] | None = None,
        on_progress: Callable[[Progress], None] | None = None,
        on_notice: Callable[[str], None] | None = None,
    ) -> None:
        self._begin = begin
        self._roots = [_root(each) for each in paths]
        self._base = base
        self._prune = prune
        self._metadata = metadata
        self._on_progress = on_progress or _ignore
        self._on_notice = on_notice or _ignore
        self._stopped = threading.Event()
        self._cancellation = Cancellation()
        self._absent: set[str] = set()
        self._before: dict[str, SourceRef] = {}
        self._told: dict[str, tuple[str, str]] = {}
        self._news: set[str] = set()
        self._took = 0.0
        self._reports = self._watched(ignore)

    def __iter__(self) -> Iterator[IngestReport]:
        return self

    def __next__(self) -> IngestReport:
        return next(self._reports)

    def stop(self) -> None:
        """End the iteration, as soon as the source that is at work lets it."""
        self._stopped.set()
        self._cancellation.cancel()

    def _watched(self, ignore: Sequence[Path]) -> Iterator[IngestReport]:
        notices = Notices(self._roots, ignore, self._stopped)  # before the scan: what changes then is told
        try:
            report = self._synced(first=True, replaced=set())
            if report is not None:
                yield report
            # A scan of a huge folder, at most half of the time.
            while notices.wait(max(QUIET, self._took), max(MOST, self._took)):
                self._news = set()
                report = self._synced(first=False, replaced=notices.replaced)
                if report is not None and self._news:
                    report.skipped = [each for each in report.skipped if each.source in self._news]
                    report.failed = [each for each in report.failed if each.source in self._news]
                    yield report
        finally:
            notices.close()

    def _synced(self, *, first: bool, replaced: set[str]) -> IngestReport | None:
        """Sync, with patience for other writers; None where it was stopped or no path is there."""
        busy = False
        while not self._stopped.is_set():
            try:
                return self._sync(first, replaced)
            except Cancelled:
                if not self._stopped.is_set():
                    raise
            except IndexLocked as error:
                if not busy:
                    self._on_notice(f"{error.message} Waiting for it.")
                busy = True
                self._stopped.wait(_AGAIN)
        return None

    def _sync(self, first: bool, replaced: set[str]) -> IngestReport | None:
        present = self._present()
        if not present:
            return None
        flow, self._cancellation = self._begin()
        if self._stopped.is_set():
            return None
        began = time.monotonic()
        try:
            seen = scan(flow.loaders, present, self._base)
        except InputError:
            if all(map(os.path.lexists, present)):
                raise
            return None  # it vanished in this very moment, which is noticed
        self._took = time.monotonic() - began
        report = sync(
            flow,
            seen,
            only=None if first else self._differing(seen),
            prune=self._prune if first else self._deleted(seen, set(present) - replaced),
            metadata=self._metadata,
            on_progress=self._tell,
            context=Context(self._cancellation, "ingest"),
        )
        self._before = {origin: found.ref for origin, found in seen.found.items()}
        return report

    def _differing(self, seen: Scan) -> set[str]:
        """Origins that aren't surely as the scan before saw them; a failed one is read again only then."""
        return {
            origin
            for origin, found in seen.found.items()
            if not found.ref.stamp or found.ref != self._before.get(origin)
        }

    def _deleted(self, seen: Scan, steady: set[str]) -> set[str]:
        """Origins that the scan before saw, under paths that were there all the time."""
        return {
            origin
            for origin, ref in self._before.items()
            if origin not in seen.found and any(Path(ref.location).is_relative_to(each) for each in steady)
        }

    def _present(self) -> list[str]:
        """The paths that are there; told once of each that vanished or came back."""
        absent = {each for each in self._roots if not os.path.lexists(each)}
        for each in sorted(absent - self._absent):
            self._on_notice(f"{each} isn't there any more; what is stored from it is kept.")
        for each in sorted(self._absent - absent):
            self._on_notice(f"{each} is there again.")
        self._absent = absent
        return [each for each in self._roots if each not in absent]

    def _tell(self, progress: Progress) -> None:
        """Pass on what is new; what can't be read or is gone is told once."""
        if progress.kind in ("skipped", "failed", "gone"):
            what = (progress.kind, progress.reason)
            if self._told.get(progress.source) == what:
                return
            self._told[progress.source] = what
        elif progress.kind != "unchanged":
            self._told.pop(progress.source, None)
        if progress.kind != "unchanged":
            self._news.add(progress.source)
        self._on_progress(progress)


def _root(path: str) -> str:
    """The path made absolute. Raises `InputError` where it can't be watched."""
    if has_scheme(path) and not os.path.lexists(path):
        raise InputError(f"{path} can't be watched.", "Name a file or a folder of this machine.")
    place = os.path.abspath(path)
    if not os.path.lexists(place):
        raise InputError(f"There is no file or folder {path!r}.", "Check how it is written.")
    return place


def _ignore(_: object) -> None:
    pass
