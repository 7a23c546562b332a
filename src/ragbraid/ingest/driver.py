"""Brings an index up to date with what the loaders find, source by source, in bounded batches."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, closing, nullcontext
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

from ragbraid.context import Context
from ragbraid.errors import (
    IndexStoreError,
    MissingDependency,
    ModelError,
    RagbraidError,
    ServerError,
    Stopped,
)
from ragbraid.index.protocol import Change, Index
from ragbraid.ingest.ahead import WORKERS, Job, Ready, ahead
from ragbraid.ingest.diff import Comparison, Verdict
from ragbraid.ingest.embedding import Embedding
from ragbraid.ingest.languages import Languages
from ragbraid.ingest.ledger import Ledger
from ragbraid.ingest.parts import InParts
from ragbraid.ingest.pile import Pile
from ragbraid.ingest.prepare import PART, LargeSource, Prepared, Process, prepare
from ragbraid.ingest.report import IngestReport, Progress
from ragbraid.ingest.scan import Found, Scan, scan
from ragbraid.ingest.stamps import Stamps
from ragbraid.load.parser import PARSER
from ragbraid.load.protocol import Loader
from ragbraid.types import Document, Skipped, SourceRef

PATIENCE = 2.0
"""Seconds after which work is embedded and committed however little it is: what a kill may cost."""

_ABOUT_ALL = (IndexStoreError, MissingDependency, ModelError, ServerError, Stopped)
"""Errors that would meet every other source, too, and end the run."""
_UNFIT = (RagbraidError, ValueError, TypeError)
"""What an index raises for a change that it can't store; anything else is about the index itself."""
_DELETE_TOGETHER = 256
_FIRST_BATCH = 32
_BATCH = (16, 256)
"""Chunks that are embedded together: the fewest and the most, where no one source has more."""


@dataclass(frozen=True, slots=True)
class IngestFlow:
    """An ingest flow as the driver needs it.

    `index` is a handle with its scope bound, and offers its embedder; `digest` is the digest of the
    ingest steps: their types, configuration and versions. `keeps_documents` says that the steps store
    documents as the loaders gave them, so that a stored one can stand for one that is read again.
    """

    loaders: Sequence[Loader]
    process: Process
    index: Index
    digest: str
    keeps_documents: bool = False
    fields: Mapping[str, str] = field(default_factory=dict)
    """The types that metadata is declared to have."""
    in_threads: bool = True
    """Whether sources may be read, and the steps be run, in several threads."""
    alone: Callable[[], AbstractContextManager[None]] = nullcontext
    """Keeps other ingests into the index away, which would do the same work twice."""


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
    run = _Run(flow, stamps, comparison, ledger, context or Context(), dry_run)
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
    return ledger.close(run.embedding.embedded)


_Outcome: TypeAlias = tuple[Found, Prepared | Exception]


class _Run:
    """Sources on their way: gathered in a batch, embedded together, then waiting for their commit."""

    def __init__(
        self,
        flow: IngestFlow,
        stamps: Stamps,
        comparison: Comparison,
        ledger: Ledger,
        context: Context,
        dry_run: bool,
    ) -> None:
        self.ledger = ledger
        self.embedding = Embedding(flow.index, context)
        self._languages = Languages(flow.index.embedder)
        self._flow = flow
        self._stamps = stamps
        self._comparison = comparison
        self._context = context
        self._dry_run = dry_run
        self._batch = Pile(chunks=_FIRST_BATCH, characters=1_000_000)
        self._ready = Pile(chunks=2048, characters=8_000_000)
        self._committed = time.monotonic()

    def jobs(self, sources: Iterable[Found]) -> Iterator[Job[_Outcome]]:
        """What has to be read and split of these sources; what became of the others is told at once."""
        for found in sources:
            self._context.check()
            try:
                verdict = self._verdict(found)
                stored = None if verdict is None else self._stored(verdict)
            except _ABOUT_ALL:
                raise
            except Exception as error:
                self.ledger.failed(found.ref.origin, error)
                continue
            if verdict is not None:
                yield Job(partial(self._prepare, found, verdict, stored), found.ref.size)

    def take(self, ready: Ready[_Outcome]) -> None:
        """Bring one source on its way; what became of it is told once it is committed."""
        self._context.check()
        found, prepared = ready.get()
        if isinstance(prepared, LargeSource):
            self.flush()
            self._take_in_parts(found, prepared.verdict)
        elif isinstance(prepared, Exception):
            self.ledger.failed(found.ref.origin, prepared)
        elif not prepared.parts and prepared.verdict.kind == "new":
            self.ledger.skipped(Skipped(found.ref.origin, "there is no document in it"), found=True)
        else:
            self._batch.add(prepared)
            if self._batch.full or self._batch.age >= PATIENCE:
                self._embed()
                if self._ready.full or time.monotonic() - self._committed >= PATIENCE:
                    self._commit()

    def flush(self) -> None:
        """Commit everything that is on its way."""
        self._embed()
        self._commit()

    def settle_gone(self, prune: bool | Collection[str]) -> None:
        """Remove the sources whose files are gone, or say that they are."""
        gone = self._comparison.gone - self._comparison.claimed
        removed = sorted(gone if prune is True else gone.intersection(prune or ()))
        for first in range(0, len(removed), _DELETE_TOGETHER):
            self._context.check()
            group = removed[first : first + _DELETE_TOGETHER]
            if not self._dry_run:
                self._flow.index.delete(group)
            for origin in group:
                self.ledger.absent(origin, "removed")
        for origin in sorted(self._comparison.gone.difference(removed)):
            self.ledger.absent(origin, "gone")

    def settle_languages(self) -> None:
        """Say so where the embedder isn't made for the documents' language."""
        warning = self._languages.warning()
        if warning is not None:
            self.ledger.report.warnings.append(warning)

    def _verdict(self, found: Found) -> Verdict | None:
        """What has to be done for a source; None where that is nothing, or is only told."""
        verdict = self._comparison.verdict(found)
        if verdict.kind == "unchanged":
            self.ledger.unchanged(found.ref.origin)
            return None
        if self._dry_run:
            self._comparison.gone.difference_update(verdict.replaces)
            self.ledger.stored(found.ref.origin, verdict.kind, former=" ".join(verdict.replaces))
            return None
        return verdict

    def _prepare(self, found: Found, verdict: Verdict, stored: list[Document] | None) -> _Outcome:
        """The source read and split, or its own error; raises what would meet every other source, too."""
        try:
            return found, prepare(
                found, verdict, self._flow.process, self._stamps.of(found.ref), stored, self._flow.fields
            )
        except _ABOUT_ALL:
            raise
        except Exception as error:
            return found, error

    def _take_in_parts(self, found: Found, verdict: Verdict) -> None:
        known, held = self._comparison.held(found.ref.origin)
        source = InParts(
            found,
            verdict,
            known,
            self._flow.index,
            self.embedding,
            self._flow.digest,
            self._stamps.of(found.ref),
            self._stamps.mark(found.ref),
            self._flow.keeps_documents,
            self._flow.fields,
            self._languages.see,
        )
        try:
            source.take(self._flow.process, held, self._context)
        except _ABOUT_ALL:
            raise
        except Exception as error:
            self.embedding.forget()
            self.ledger.failed(found.ref.origin, error)
            return
        self._comparison.gone.difference_update(verdict.replaces)
        former = " ".join(verdict.replaces)
        self.ledger.stored(
            found.ref.origin, verdict.kind, chunks=source.chunks, former=former, warnings=source.warnings
        )

    def _stored(self, verdict: Verdict) -> list[Document] | None:
        """The documents that the index holds of a source, where only what is stamped on them differs."""
        if not self._flow.keeps_documents or not 0 < len(verdict.restamps) <= PART:
            return None
        found = [self._flow.index.document(each) for each in verdict.restamps]
        return None if None in found else [each for each in found if each is not None]

    def _embed(self) -> None:
        """Embed the batch; if that fails, source by source, so that only the guilty one is left out."""
        batch = self._batch.take()
        began = time.monotonic()
        try:
            self.embedding.learn([text for each in batch for text in each.texts])
        except _ABOUT_ALL:
            raise
        except Exception:
            batch = [each for each in batch if self._embed_alone(each)]
        self._fit(sum(each.chunks for each in batch), time.monotonic() - began)
        for each in batch:
            self._ready.add(each)

    def _fit(self, chunks: int, seconds: float) -> None:
        """Let the next batch take about half the patience, so that a slow machine commits as often, too."""
        wanted = chunks * PATIENCE / 2 / max(seconds, 1e-6)
        self._batch.most_chunks = int(min(max(wanted, _BATCH[0]), _BATCH[1]))

    def _embed_alone(self, prepared: Prepared) -> bool:
        try:
            self.embedding.learn(prepared.texts)
        except _ABOUT_ALL:
            raise
        except Exception as error:
            self.ledger.failed(prepared.origin, error)
            return False
        return True

    def _commit(self) -> None:
        group = self._ready.take()
        if group:
            self._store(group)
        self.embedding.forget()
        self._committed = time.monotonic()

    def _store(self, group: list[Prepared]) -> None:
        """Commit the group as one; if the index refuses it, by halves, until the guilty one is alone."""
        try:
            self._flow.index.upsert([self._change(each) for each in group])
        except _ABOUT_ALL:
            raise
        except _UNFIT as error:
            if len(group) == 1:
                self.ledger.failed(group[0].origin, error)
                return
            middle = len(group) // 2
            self._store(group[:middle])
            self._store(group[middle:])
        else:
            for each in group:
                self._acknowledge(each)

    def _change(self, prepared: Prepared) -> Change:
        return Change(
            origin=prepared.origin,
            entries=[self.embedding.entry(document, chunks) for document, chunks in prepared.parts],
            fingerprint=prepared.fingerprint,
            stamp=prepared.found.ref.stamp,
            digest=self._flow.digest,
            metadata_hash=self._stamps.mark(prepared.found.ref),
            replaces=prepared.verdict.replaces,
            size=prepared.found.ref.size,
        )

    def _acknowledge(self, prepared: Prepared) -> None:
        self._comparison.gone.difference_update(prepared.verdict.replaces)
        for document, _ in prepared.parts:
            self._languages.see(document)
        self.ledger.stored(
            prepared.origin,
            prepared.verdict.kind,
            chunks=prepared.chunks,
            former=" ".join(prepared.verdict.replaces),
            warnings=[each for document, _ in prepared.parts for each in document.warnings],
        )
