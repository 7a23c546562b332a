"""An ingest flow as the driver needs it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field

from ragbraid.index.protocol import Index
from ragbraid.ingest.prepare import Process
from ragbraid.load.protocol import Loader


@dataclass(frozen=True, slots=True)
class IngestFlow:
    """What is read, how it is cut, and where it goes.

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
