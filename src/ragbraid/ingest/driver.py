"""Brings an index up to date with what the loaders find, source by source, in bounded batches."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ragbraid.context import Context
from ragbraid.errors import (
    IndexStoreError,
    MissingDependency,
    ModelError,
    RagbraidError,
    ServerError,
    Stopped,
)
from ragbraid.index.protocol import Change, Entry, Index
from ragbraid.ingest.diff import Comparison, hash_metadata
from ragbraid.ingest.embedding import Embedding
from ragbraid.ingest.languages import Languages
from ragbraid.ingest.ledger import Ledger
from ragbraid.ingest.pile import Pile
from ragbraid.ingest.prepare import Prepared, Process, prepare
from ragbraid.ingest.report import IngestReport, Progress
from ragbraid.ingest.scan import Found, scan
from ragbraid.load.parser import PARSER
from ragbraid.load.protocol import Loader
from ragbraid.types import Skipped

PATIENCE = 2.0
"""Seconds after which work is embedded and committed however little it is: what a kill may cost."""

_ABOUT_ALL = (IndexStoreError, MissingDependency, ModelError, ServerError, Stopped)
"""Errors that would meet every other source, too, and end the run."""
_UNFIT = (RagbraidError, ValueError, TypeError)
"""What an index raises for a change that it can't store; anything else is about the index itself."""
_DELETE_TOGETHER = 256


@dataclass(frozen=True, slots=True)
class IngestFlow:
    """An ingest flow as the driver needs it.

    `index` is a handle with its scope bound, and offers its embedder; `digest` is the digest of the
    ingest steps: their types, configuration and versions.
    """

    loaders: Sequence[Loader]
    process: Process
    index: Index
    digest: str


def ingest(
    flow: IngestFlow,
    paths: Sequence[str],
    *,
    base: Path,
    prune: bool = False,
    metadata: Mapping[str, Any] | None = None,
    on_progress: Callable[[Progress], None] | None = None,
    context: Context | None = None,
) -> IngestReport:
    """Store what is new or changed under the paths, and with `prune` remove what is gone there.

    Paths count from the current folder, sources are named from `base`. A source that fails is reported
    and keeps what was stored of it; the others go on. `metadata` is stamped on every document and wins
    over the document's own. `on_progress` is called when a source is dealt with, after its commit is on
    disk. Whatever ends the run early, what was committed stays, and the next run goes on from there.

    Raises `InputError` for a path that isn't there and `IndexMismatch` for an index of another embedder,
    before anything is changed; what concerns every source (a missing model, a locked index, a full disk,
    cancellation) as it comes.
    """
    ledger = Ledger(on_progress)
    seen = scan(flow.loaders, paths, base)
    # Where all is unchanged nothing else would meet another embedder's vectors.
    flow.index.known_vectors(())
    comparison = Comparison(flow.index, seen, flow.digest, hash_metadata(metadata or {}))
    run = _Run(flow, metadata or {}, comparison, ledger, context or Context())
    ledger.total = len(seen.found)
    for entry in seen.skipped:
        ledger.skipped(entry, found=False)
    with PARSER.kept():
        for found in seen.found.values():
            run.take(found)
    run.flush()
    run.settle_gone(prune)
    run.settle_languages()
    return ledger.close(run.embedding.embedded)


class _Run:
    """Sources on their way: gathered in a batch, embedded together, then waiting for their commit."""

    def __init__(
        self,
        flow: IngestFlow,
        metadata: Mapping[str, Any],
        comparison: Comparison,
        ledger: Ledger,
        context: Context,
    ) -> None:
        self.ledger = ledger
        self.embedding = Embedding(flow.index, context)
        self._languages = Languages(flow.index.embedder)
        self._flow = flow
        self._metadata = metadata
        self._comparison = comparison
        self._context = context
        self._batch = Pile(chunks=256, characters=1_000_000)
        self._ready = Pile(chunks=2048, characters=8_000_000)
        self._committed = time.monotonic()

    def take(self, found: Found) -> None:
        """Bring one source on its way; what became of it is told once it is committed."""
        self._context.check()
        try:
            prepared = self._prepare(found)
        except _ABOUT_ALL:
            raise
        except Exception as error:
            self.ledger.failed(found.ref.origin, error)
            return
        if prepared is not None:
            self._batch.add(prepared)
            if self._batch.full or self._batch.age >= PATIENCE:
                self._embed()
                if self._ready.full or time.monotonic() - self._committed >= PATIENCE:
                    self._commit()

    def flush(self) -> None:
        """Commit everything that is on its way."""
        self._embed()
        self._commit()

    def settle_gone(self, prune: bool) -> None:
        """Remove the sources whose files are gone, or say that they are."""
        removed = sorted(self._comparison.gone - self._comparison.claimed) if prune else []
        for first in range(0, len(removed), _DELETE_TOGETHER):
            self._context.check()
            group = removed[first : first + _DELETE_TOGETHER]
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

    def _prepare(self, found: Found) -> Prepared | None:
        verdict = self._comparison.verdict(found)
        if verdict.kind == "unchanged":
            self.ledger.unchanged(found.ref.origin)
            return None
        prepared = prepare(found, verdict, self._flow.process, self._metadata)
        if not prepared.parts and verdict.kind == "new":
            self.ledger.skipped(Skipped(found.ref.origin, "there is no document in it"), found=True)
            return None
        return prepared

    def _embed(self) -> None:
        """Embed the batch; if that fails, source by source, so that only the guilty one is left out."""
        batch = self._batch.take()
        try:
            self.embedding.learn([text for each in batch for text in each.texts])
        except _ABOUT_ALL:
            raise
        except Exception:
            batch = [each for each in batch if self._embed_alone(each)]
        for each in batch:
            self._ready.add(each)

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
            entries=[
                Entry(document, chunks, self.embedding.rows([each.text for each in chunks]))
                for document, chunks in prepared.parts
            ],
            fingerprint=prepared.fingerprint,
            stamp=prepared.found.ref.stamp,
            digest=self._flow.digest,
            metadata_hash=self._comparison.metadata_hash,
            replaces=prepared.verdict.replaces,
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
