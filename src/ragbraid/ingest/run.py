"""One run of an ingest, source by source: compared, read and cut, embedded, committed, acknowledged."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from functools import partial
from typing import TypeAlias

from ragbraid.context import Context
from ragbraid.ingest.ahead import Job, Ready
from ragbraid.ingest.batches import Batches
from ragbraid.ingest.diff import Comparison, Verdict
from ragbraid.ingest.failures import ABOUT_ALL
from ragbraid.ingest.flow import IngestFlow
from ragbraid.ingest.languages import Languages
from ragbraid.ingest.ledger import Ledger
from ragbraid.ingest.parts import InParts
from ragbraid.ingest.prepare import PART, LargeSource, Prepared, prepare
from ragbraid.ingest.scan import Found
from ragbraid.ingest.stamps import Stamps
from ragbraid.types import Document, Skipped

_DELETE_TOGETHER = 256

Outcome: TypeAlias = tuple[Found, Prepared | Exception]
"""A source with what was made of it, or its error."""


class Run:
    """One pass over what a scan found: what has to be done for each source, and what became of it."""

    def __init__(
        self,
        flow: IngestFlow,
        stamps: Stamps,
        comparison: Comparison,
        ledger: Ledger,
        context: Context,
        dry_run: bool,
    ) -> None:
        self._ledger = ledger
        self._languages = Languages(flow.index.embedder)
        self._flow = flow
        self._stamps = stamps
        self._comparison = comparison
        self._context = context
        self._dry_run = dry_run
        self._batches = Batches(flow, stamps, ledger, context, self._acknowledge)

    @property
    def embedded(self) -> int:
        """How many texts were embedded so far."""
        return self._batches.embedding.embedded

    def jobs(self, sources: Iterable[Found]) -> Iterator[Job[Outcome]]:
        """What has to be read and split of these sources; what became of the others is told at once."""
        for found in sources:
            self._context.check()
            try:
                verdict = self._verdict(found)
                stored = None if verdict is None else self._stored(verdict)
            except ABOUT_ALL:
                raise
            except Exception as error:
                self._ledger.failed(found.ref.origin, error)
                continue
            if verdict is not None:
                yield Job(partial(self._prepare, found, verdict, stored), found.ref.size)

    def take(self, ready: Ready[Outcome]) -> None:
        """Bring one source on its way; what became of it is told once it is committed."""
        self._context.check()
        found, prepared = ready.get()
        if isinstance(prepared, LargeSource):
            self.flush()
            self._take_in_parts(found, prepared.verdict)
        elif isinstance(prepared, Exception):
            self._ledger.failed(found.ref.origin, prepared)
        elif not prepared.parts and prepared.verdict.kind == "new":
            reason = prepared.empty or "there is no document in it"
            self._ledger.skipped(Skipped(found.ref.origin, reason), found=True)
        else:
            self._batches.add(prepared)

    def flush(self) -> None:
        """Commit everything that is on its way."""
        self._batches.flush()

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
                self._ledger.absent(origin, "removed")
        for origin in sorted(self._comparison.gone.difference(removed)):
            self._ledger.absent(origin, "gone")

    def settle_languages(self) -> None:
        """Say so where the embedder isn't made for the documents' language."""
        warning = self._languages.warning()
        if warning is not None:
            self._ledger.report.warnings.append(warning)

    def _verdict(self, found: Found) -> Verdict | None:
        """What has to be done for a source; None where that is nothing, or is only told."""
        verdict = self._comparison.verdict(found)
        if verdict.kind == "unchanged":
            self._ledger.unchanged(found.ref.origin)
            return None
        if self._dry_run:
            self._comparison.gone.difference_update(verdict.replaces)
            self._ledger.stored(found.ref.origin, verdict.kind, former=" ".join(verdict.replaces))
            return None
        return verdict

    def _prepare(self, found: Found, verdict: Verdict, stored: list[Document] | None) -> Outcome:
        """The source read and split, or its own error; raises what would meet every other source, too."""
        try:
            return found, prepare(
                found, verdict, self._flow.process, self._stamps.of(found.ref), stored, self._flow.fields
            )
        except ABOUT_ALL:
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
            self._batches.embedding,
            self._flow.digest,
            self._stamps.of(found.ref),
            self._stamps.mark(found.ref),
            self._flow.keeps_documents,
            self._flow.fields,
            self._languages.see,
        )
        try:
            source.take(self._flow.process, held, self._context)
        except ABOUT_ALL:
            raise
        except Exception as error:
            self._batches.embedding.forget()
            self._ledger.failed(found.ref.origin, error)
            return
        self._comparison.gone.difference_update(verdict.replaces)
        former = " ".join(verdict.replaces)
        self._ledger.stored(
            found.ref.origin, verdict.kind, chunks=source.chunks, former=former, warnings=source.warnings
        )

    def _stored(self, verdict: Verdict) -> list[Document] | None:
        """The documents that the index holds of a source, where only what is stamped on them differs."""
        if not self._flow.keeps_documents or not 0 < len(verdict.restamps) <= PART:
            return None
        found = [self._flow.index.document(each) for each in verdict.restamps]
        return None if None in found else [each for each in found if each is not None]

    def _acknowledge(self, prepared: Prepared) -> None:
        self._comparison.gone.difference_update(prepared.verdict.replaces)
        for document, _ in prepared.parts:
            self._languages.see(document)
        self._ledger.stored(
            prepared.origin,
            prepared.verdict.kind,
            chunks=prepared.chunks,
            former=" ".join(prepared.verdict.replaces),
            warnings=[*filter(None, [prepared.empty]), *_warnings(prepared)],
        )


def _warnings(prepared: Prepared) -> list[str]:
    return [each for document, _ in prepared.parts for each in document.warnings]
