"""Brings an index up to date with what the loaders find, source by source, in bounded batches."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import closing, nullcontext
from pathlib import Path
from typing import Any

from ragbraid.context import Context
from ragbraid.ingest.ahead import WORKERS, ahead
from ragbraid.ingest.diff import Comparison
from ragbraid.ingest.flow import IngestFlow
from ragbraid.ingest.ledger import Ledger
from ragbraid.ingest.report import IngestReport, Progress
from ragbraid.ingest.run import Run
from ragbraid.ingest.scan import Scan, scan
from ragbraid.ingest.stamps import Stamps
from ragbraid.load.parser import PARSER
from ragbraid.types import Skipped, SourceRef


def ingest(
    flow: IngestFlow,
    paths: Sequence[str],
    *,
    base: Path,
    prune: bool = False,
    dry_run: bool = False,
    metadata: Mapping[str, Any] | None = None,
    on_progress: Callable[[Progress], None] | None = None,
    on_found: Callable[[str, int], None] | None = None,
    workers: int | None = None,
    context: Context | None = None,
) -> IngestReport:
    """Store what is new or changed under the paths, and with `prune` remove what is gone there.

    With `dry_run` it is only told: sources are compared, and nothing is parsed, embedded or written.
    Paths count from the current folder, sources are named from `base`. A source that fails is reported
    and keeps what was stored of it; the others go on. `metadata` is stamped on every document and wins
    over the document's own. `on_progress` is called when a source is dealt with, after its commit is on
    disk, and `on_found` before all that, with a source's name and how many were found by then. `workers`
    sources are read and split at a time, which the result doesn't depend on. Whatever ends the run early,
    what was committed stays, and the next run goes on from there.

    Raises `InputError` for a path that isn't there and `IndexMismatch` for an index of another embedder,
    before anything is changed; what concerns every source (a missing model, a locked index, a full disk,
    cancellation) as it comes.
    """

    def stamps() -> Mapping[str, str]:
        return {each.origin: each.stamp for each in flow.index.sources()}

    seen = scan(flow.loaders, paths, base, stamps, on_found)
    with nullcontext() if dry_run else flow.alone():
        return sync(
            flow,
            seen,
            prune=prune,
            dry_run=dry_run,
            metadata=metadata,
            on_progress=on_progress,
            workers=workers,
            context=context,
        )


def sync(
    flow: IngestFlow,
    seen: Scan,
    *,
    only: Collection[str] | None = None,
    prune: bool | Collection[str] = False,
    dry_run: bool = False,
    metadata: Mapping[str, Any] | None = None,
    on_progress: Callable[[Progress], None] | None = None,
    workers: int | None = None,
    context: Context | None = None,
) -> IngestReport:
    """`ingest` of what a scan found, or of the origins `only` among it.

    Of the origins whose files are gone, `prune` removes all or those that it names.
    """
    ledger = Ledger(on_progress)
    # Where all is unchanged nothing else would meet another embedder's vectors.
    flow.index.known_vectors(())
    stamps = Stamps(metadata or {}, flow.fields)
    stamps.mark(SourceRef("", ""))  # what can't be stored is told before anything is
    comparison = Comparison(flow.index, seen, flow.digest, stamps)
    run = Run(flow, stamps, comparison, ledger, context or Context(), dry_run)
    chosen = [each for origin, each in seen.found.items() if only is None or origin in only]
    ledger.total = len(chosen)
    for entry in seen.skipped:
        ledger.skipped(entry, found=False)
    for origin, gone in seen.gone.items():
        if not comparison.held(origin)[1]:
            ledger.skipped(Skipped(origin, gone.reason), found=False)
    threads = WORKERS if workers is None else workers
    reading = ahead(run.jobs(chosen), threads if flow.in_threads else 1, PARSER.abandon)
    with PARSER.kept(), closing(reading) as prepared:
        for each in prepared:
            run.take(each)
    run.flush()
    run.settle_gone(prune)
    run.settle_languages()
    return ledger.close(run.embedded)
