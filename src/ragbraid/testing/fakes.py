"""Stand-ins for every kind of component: deterministic, fast, without weights, disk or network.

They keep the same contracts as the real ones and pass the same conformance suites, so a pipeline can be
tested whole in milliseconds. In a pipeline file: `testing/hash-embedder`,
`testing/hash-sparse`, `testing/list-index`, `testing/echo-generator` and `testing/fixed-splitter`.
"""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, ClassVar

from annotated_types import Ge

from ragbraid.context import Context
from ragbraid.errors import InputError, LoadError
from ragbraid.testing.echo_generator import EchoGenerator, ScriptedGenerator
from ragbraid.testing.hash_embedder import HashEmbedder
from ragbraid.testing.hash_sparse_encoder import HashSparseEncoder
from ragbraid.testing.list_index import ListIndex
from ragbraid.types import Chunk, Document, Hit, Skipped, SourceRef

__all__ = [
    "EchoGenerator",
    "FailingStep",
    "FixedSplitter",
    "HashEmbedder",
    "HashSparseEncoder",
    "ListIndex",
    "MemoryLoader",
    "ScriptedGenerator",
    "SlowStep",
]

_WORD = re.compile(r"\S+")


@dataclass(frozen=True, slots=True)
class MemoryLoader:
    """Loads documents from a dictionary of source name → text, for tests.

    The path `.` names all of them, any other path the source of that name and those below it.
    `metadata` gives sources their metadata; loading one of `failing` raises a `LoadError`.
    """

    documents: Mapping[str, str] = field(default_factory=dict, hash=False)
    metadata: Mapping[str, Mapping[str, Any]] = field(default_factory=dict, hash=False)
    failing: tuple[str, ...] = ()

    def scan(self, paths: Sequence[str], base: Path) -> Iterator[SourceRef | Skipped]:
        """Name the sources under the paths, sorted."""
        del base
        for path in paths:
            if path != "." and not any(_under(each, path) for each in self.documents):
                raise InputError(f"{path} isn't there.", "Give a path that is.")
        for source in sorted(self.documents):
            if any(path == "." or _under(source, path) for path in paths):
                yield SourceRef(source, source, len(self.documents[source]))

    def fingerprint(self, ref: SourceRef) -> str:
        """The SHA-256 of the text in UTF-8."""
        return hashlib.sha256(self._text(ref).encode("utf-8", "surrogatepass")).hexdigest()

    def load(self, ref: SourceRef) -> Iterator[Document]:
        """The one document of that name."""
        if ref.location in self.failing:
            raise LoadError(f"{ref.origin} can't be read.", "It is one of `failing`.")
        yield Document(ref.origin, self._text(ref), dict(self.metadata.get(ref.origin, {})))

    def _text(self, ref: SourceRef) -> str:
        text = self.documents.get(ref.location)
        if text is None:
            raise LoadError(f"{ref.origin} isn't there any more.")
        return text


@dataclass(frozen=True, slots=True)
class FixedSplitter:
    """Cuts documents into chunks of a fixed number of words, for tests."""

    words: Annotated[int, Ge(1)] = 50

    version: ClassVar[int] = 1

    def __call__(self, documents: list[Document]) -> list[Chunk]:
        """Chunks in document order, at exact offsets, without the white space around them."""
        return [chunk for document in documents for chunk in self._cut(document)]

    def _cut(self, document: Document) -> Iterator[Chunk]:
        spans = [each.span() for each in _WORD.finditer(document.text, document.body)]
        for first in range(0, len(spans), self.words):
            run = spans[first : first + self.words]
            start, end = run[0][0], run[-1][1]
            yield Chunk(document.source, start, end, document.text[start:end])


@dataclass(frozen=True, slots=True)
class SlowStep:
    """Passes hits on after a while, for tests of deadlines and cancellation."""

    seconds: Annotated[float, Ge(0)] = 1.0

    blocking: ClassVar[bool] = True

    def __call__(self, hits: list[Hit], context: Context) -> list[Hit]:
        """The same hits, later; looks at its context every 5 ms."""
        end = time.monotonic() + self.seconds
        while (left := end - time.monotonic()) > 0:
            context.check()
            time.sleep(min(left, 0.005))
        return hits


@dataclass(frozen=True, slots=True)
class FailingStep:
    """Raises an error that nobody foresaw, for tests of error handling."""

    message: str = "This step fails on purpose."

    def __call__(self, hits: list[Hit]) -> list[Hit]:
        """Never returns."""
        del hits
        raise RuntimeError(self.message)


def _under(source: str, path: str) -> bool:
    return source == path or source.startswith(path.rstrip("/") + "/")
