"""How documents come into a pipeline's index, and stay as their files are."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from ragbraid.errors import InputError
from ragbraid.pipeline.requests import Caller
from ragbraid.types import Filter, Span

if TYPE_CHECKING:
    from ragbraid.ingest.report import IngestReport, Progress
    from ragbraid.ingest.watch import Watch
    from ragbraid.pipeline.handles import Run
    from ragbraid.pipeline.life import Life


class Intake:
    """The part of `Pipeline` that fills the index."""

    _caller: Caller
    _life: Life

    def ingest(
        self,
        paths: str | Path | Sequence[str | Path] = (),
        *,
        collection: str | None = None,
        prune: bool = False,
        dry_run: bool = False,
        metadata: Mapping[str, Any] | None = None,
        on_progress: Callable[[Progress], None] | None = None,
        on_found: Callable[[str, int], None] | None = None,
        on_notice: Callable[[str], None] | None = None,
        on_step: Callable[[Span], None] | None = None,
        workers: int | None = None,
        timeout: float | None = None,
    ) -> IngestReport:
        """Bring the index up to date with files and folders, source by source.

        What is unchanged is left alone; a source that can't be read is reported, and the others go on.
        `on_progress` gets a `Progress` for each source, after its commit is on disk; `on_found`, while paths
        are looked through, each source's name and how many were found so far. `prune` removes sources under
        the paths whose files are gone. With `dry_run` sources are only compared, and the report tells what
        would be done. Another ingest into the same index is waited for, and `on_notice` told of it in a
        sentence. `on_step` gets the time of each step, batch by batch, in the thread that did it. `workers`
        sources are read and split at a time, one a processor and four at most if it isn't given; the result
        is the same. Without paths the databases and sites are read that the pipeline's loaders name. Raises
        `InputError` for a path that isn't there.
        """
        ingesting = self._life.ingesting()
        report = ingesting.ingest(
            [] if not paths and ingesting.reads_without_paths else _named(paths, "ingest"),
            self._run(None, collection, timeout),
            prune=prune,
            dry_run=dry_run,
            metadata={**(metadata or {}), **self._caller.metadata},
            on_progress=on_progress,
            on_found=on_found,
            on_notice=on_notice,
            on_step=on_step,
            workers=workers,
        )
        return cast("IngestReport", report)

    def watch(
        self,
        paths: str | Path | Sequence[str | Path],
        *,
        collection: str | None = None,
        prune: bool = False,
        metadata: Mapping[str, Any] | None = None,
        on_progress: Callable[[Progress], None] | None = None,
        on_notice: Callable[[str], None] | None = None,
    ) -> Watch:
        """Ingest, then keep the index up to date while files change: an iterator of reports.

        The first report is of the ingest that it begins with; each further one of changes that have
        settled, or have been coming for two seconds. What is deleted meanwhile is removed; what was gone
        before only with `prune`. `on_progress` is called as in `ingest`, `on_notice` with a sentence where a
        path vanishes or another process is writing. The iterator's `stop` ends it, from any thread.

        Raises `InputError` for a path that isn't there.
        """
        target = self._life.index()
        place = getattr(target.opened.component, "path", None)
        watch = self._life.ingesting().watch(
            _named(paths, "watch"),
            lambda: self._run(None, collection, None),
            [place] if isinstance(place, Path) else [],
            prune=prune,
            metadata={**(metadata or {}), **self._caller.metadata},
            on_progress=on_progress,
            on_notice=on_notice,
        )
        return cast("Watch", watch)

    def _run(self, filter: Filter | None, collection: str | None, timeout: float | None) -> Run:  # noqa: A002
        raise NotImplementedError


def _named(paths: str | Path | Sequence[str | Path], what: str) -> list[str]:
    """The paths as texts. Raises `InputError` where there is none."""
    given = [paths] if isinstance(paths, str | Path) else list(paths)
    if not given:
        raise InputError(f"There is nothing to {what}.", "Name a file or a folder.")
    return [str(each) for each in given]
