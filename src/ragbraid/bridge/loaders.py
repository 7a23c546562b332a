"""A loader of another framework, as the beginning of an ingest."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

from ragbraid.bridge.blame import naming
from ragbraid.bridge.parts import part_of
from ragbraid.bridge.values import demand_storable
from ragbraid.code import Code
from ragbraid.errors import InputError, LoadError
from ragbraid.load.spool import Spool, spooled
from ragbraid.types import Document, Skipped, SourceRef


@dataclass(frozen=True, slots=True)
class ForeignLoader:
    """Reads what a loader of another framework gives, each document a source of its own.

    A document is named and cited as `loader:NAME/SOURCE`, with what it calls its source; several of one
    source are numbered, in the order in which they come (`…#2`). `ragbraid ingest` without a path runs the
    loader, as does the path `loader:NAME`. What is unchanged is neither stored nor embedded again.

    A document whose metadata an index couldn't give back exactly is skipped, and the reason told. Raises
    `LoadError` where the loader fails.
    """

    object: Code

    blocking: ClassVar[bool] = True
    version: ClassVar[int] = 1

    def roots(self) -> Sequence[str]:
        """The one path that it reads."""
        return (f"loader:{re.sub(r'[^A-Za-z0-9_.-]+', '.', self.object.name).strip('.')}",)

    def scan(self, paths: Sequence[str], base: Path) -> Iterator[SourceRef | Skipped]:
        """Run the loader, and name every document that it gives."""
        del base
        (root,) = self.roots()
        for path in paths:
            if path != root:
                raise InputError(f"There is no loader {path!r}.", f"This one is {root}.")
        return self._scan(root) if paths else iter(())

    def fingerprint(self, ref: SourceRef) -> str:
        """The SHA-256 of the document's text and metadata."""
        spooled(ref)
        return ref.stamp

    def load(self, ref: SourceRef) -> Iterator[Document]:
        """The document as the scan met it."""
        yield replace(spooled(ref), source=ref.origin)

    def _scan(self, root: str) -> Iterator[SourceRef | Skipped]:
        spool, met = Spool(), Counter[str]()
        with naming(self.object, LoadError):
            for document in part_of(self.object).load():
                name = document.source or "document"
                met[name] += 1
                origin = f"{root}/{name}" if met[name] == 1 else f"{root}/{name}#{met[name]}"
                try:
                    demand_storable(document.metadata, name)
                except InputError as error:
                    yield Skipped(origin, str(error))
                    continue
                yield spool.keep(origin, root, document)
