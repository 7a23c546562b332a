"""Takes in a source that is too large for one transaction: part by part, each committed on its own.

Until the last one is, the source has no fingerprint, so that a run which was killed is made up for by the
next. What was stored of it before is replaced document by document; those that it doesn't hold any more go
with the last part. A document that is as it is stored costs nothing but reading it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ragbraid.context import Context
from ragbraid.errors import InputError, LoadError
from ragbraid.index.metadata import encode
from ragbraid.index.protocol import Change, Entry, Index, SourceState
from ragbraid.ingest.diff import Verdict
from ragbraid.ingest.embedding import Embedding
from ragbraid.ingest.prepare import PART, Process, parts_of, split
from ragbraid.ingest.scan import Found
from ragbraid.types import Chunk, Document

_MOST_WARNINGS = 1000
_SECONDS = 1.0
"""How long documents are embedded and committed together: what a kill may cost."""


@dataclass(slots=True)
class InParts:
    """One large source on its way into the index; `chunks` and `warnings` are of what was stored."""

    found: Found
    verdict: Verdict
    known: SourceState | None
    index: Index
    embedding: Embedding
    digest: str
    metadata: Mapping[str, Any]
    metadata_hash: str
    keeps_documents: bool
    fields: Mapping[str, str]
    see: Callable[[Document], None]
    """Is shown each document that is stored."""
    chunks: int = 0
    warnings: list[str] = field(default_factory=list)
    _seen: set[str] = field(default_factory=set)
    _size: int = 32

    def take(self, process: Process, held: list[str], context: Context) -> None:
        """Bring it in; `held` are the sources stored of it. Raises what `prepare` and the index raise."""
        before = self.found.loader.fingerprint(self.found.ref)
        for documents in parts_of(self.found, self.fields):
            news = self._news(documents)
            while news:
                context.check()
                now, news = news[: self._size], news[self._size :]
                began = time.monotonic()
                self._store(split(now, process, self.metadata))
                self._fit(len(now), time.monotonic() - began)
        if self.found.loader.fingerprint(self.found.ref) != before:
            raise LoadError("It changes while it is read.", "Ingest it when it is at rest.")
        drops = [each for each in held if each not in self._seen]
        self.index.upsert([self._change([], before, self.found.ref.stamp, drops, self.verdict.replaces)])

    def _fit(self, count: int, seconds: float) -> None:
        """Let the next commit take about so long, so that a slow machine commits as often, too."""
        self._size = int(min(max(count * _SECONDS / max(seconds, 1e-6), 8), PART))

    def _news(self, documents: list[Document]) -> list[Document]:
        """The documents that aren't stored as they are."""
        for each in documents:
            if each.source in self._seen:
                raise InputError(f"The loader gave two documents the name {each.source}.")
            self._seen.add(each.source)
        same_steps = self.known is not None and self.known.digest == self.digest
        if not self.keeps_documents or not same_steps:
            return documents
        return [each for each in documents if not self._is_stored(each)]

    def _is_stored(self, document: Document) -> bool:
        stored = self.index.document(document.source)
        if stored is None or stored.text != document.text or stored.pages != document.pages:
            return False
        metadata = encode({**document.metadata, **self.metadata}, document.source)
        return (stored.media_type, stored.body) == (document.media_type, document.body) and (
            encode(stored.metadata, document.source) == metadata
        )

    def _store(self, parts: list[tuple[Document, list[Chunk]]]) -> None:
        self.embedding.learn(parts)
        entries = [self.embedding.entry(document, chunks) for document, chunks in parts]
        self.index.upsert([self._change(entries)])
        self.embedding.forget()
        self.chunks += sum(len(chunks) for _, chunks in parts)
        for document, _ in parts:
            self.see(document)
            self.warnings += document.warnings[: max(0, _MOST_WARNINGS - len(self.warnings))]

    def _change(
        self,
        entries: list[Entry],
        fingerprint: str = "",
        stamp: str = "",
        drops: list[str] | None = None,
        replaces: tuple[str, ...] = (),
    ) -> Change:
        # Documents of other steps may still be among them, until all are renewed.
        finished = bool(fingerprint)
        kept = finished or self.known is None or self.known.digest == self.digest
        return Change(
            self.found.ref.origin,
            entries,
            fingerprint,
            stamp,
            self.digest if kept else "",
            self.metadata_hash,
            replaces,
            partial=True,
            drops=drops or (),
            size=self.found.ref.size,
        )
