"""Embeds what is read and cut in batches, and commits it in larger ones."""

from __future__ import annotations

import time
from collections.abc import Callable

from ragbraid.context import Context
from ragbraid.index.protocol import Change
from ragbraid.ingest.embedding import Embedding
from ragbraid.ingest.failures import ABOUT_ALL, UNFIT
from ragbraid.ingest.flow import IngestFlow
from ragbraid.ingest.ledger import Ledger
from ragbraid.ingest.pile import Pile
from ragbraid.ingest.prepare import Prepared
from ragbraid.ingest.stamps import Stamps

PATIENCE = 3.0
"""Seconds after which work is embedded and committed however little it is: what a kill may cost."""

_FIRST_BATCH = 32
_BATCH = (16, 512)
"""Chunks that are embedded together, where no one source has more: many are many of one length."""


class Batches:
    """Sources that wait: first to be embedded together, then for their commit."""

    def __init__(
        self,
        flow: IngestFlow,
        stamps: Stamps,
        ledger: Ledger,
        context: Context,
        acknowledge: Callable[[Prepared], None],
    ) -> None:
        """`acknowledge` is told each source whose commit is on disk; the `ledger` those that failed."""
        self.embedding = Embedding(flow.index, context)
        self._flow = flow
        self._stamps = stamps
        self._ledger = ledger
        self._acknowledge = acknowledge
        self._batch = Pile(chunks=_FIRST_BATCH, characters=1_000_000)
        self._ready = Pile(chunks=2048, characters=8_000_000)
        self._committed = time.monotonic()

    def add(self, prepared: Prepared) -> None:
        """Put a source in; what is full, or has waited for long, goes on."""
        self._batch.add(prepared)
        if self._batch.full or self._batch.age >= PATIENCE:
            self._embed()
            if self._ready.full or time.monotonic() - self._committed >= PATIENCE:
                self._commit()

    def flush(self) -> None:
        """Commit everything that waits."""
        self._embed()
        self._commit()

    def _embed(self) -> None:
        """Embed the batch; if that fails, source by source, so that only the guilty one is left out."""
        batch = self._batch.take()
        began = time.monotonic()
        try:
            self.embedding.learn([part for each in batch for part in each.parts])
        except ABOUT_ALL:
            raise
        except Exception:
            batch = [each for each in batch if self._embed_alone(each)]
        self._fit(sum(each.chunks for each in batch), time.monotonic() - began)
        for each in batch:
            self._ready.add(each)

    def _fit(self, chunks: int, seconds: float) -> None:
        """Let the next batch take about the patience, so that a slow machine commits as often, too."""
        wanted = chunks * PATIENCE / max(seconds, 1e-6)
        self._batch.most_chunks = int(min(max(wanted, _BATCH[0]), _BATCH[1]))

    def _embed_alone(self, prepared: Prepared) -> bool:
        try:
            self.embedding.learn(prepared.parts)
        except ABOUT_ALL:
            raise
        except Exception as error:
            self._ledger.failed(prepared.origin, error)
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
        except ABOUT_ALL:
            raise
        except UNFIT as error:
            if len(group) == 1:
                self._ledger.failed(group[0].origin, error)
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
