"""What an index on disk offers to whoever looks after it: finding damage, mending it, telling its size."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

from ragbraid.types import Scope


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that isn't what was stored. `part` is the file, or the collection and source, it is in."""

    part: str
    what: str
    mend: str


@dataclass(frozen=True, slots=True)
class CollectionStats:
    """How much a collection holds."""

    name: str
    sources: int
    chunks: int


@dataclass(frozen=True, slots=True)
class StructureStats:
    """What names candidates for dense search: `kind` is `flat` where all vectors are compared.

    `recall` is recall@10 against exact search, measured on `sample` of the index's own vectors with `effort`
    (lists looked into, or candidates kept); `asked` is the least that was demanded of it.
    """

    kind: str = "flat"
    recall: float = 1.0
    asked: float | None = None
    sample: int = 0
    effort: int = 0
    lists: int = 0
    segments: int = 0
    covered: int = 0
    """Vectors in its segments; those that came later are compared one by one."""


@dataclass(frozen=True, slots=True)
class IndexStats:
    """How an index is made and how much it holds.

    `bytes` is by part: database, vectors, tokens, structure, sparse, rows, lexical.
    """

    path: Path
    format: int
    uuid: str
    embedder: str | None
    dimensions: int | None
    structure: StructureStats
    commits: int
    """The newest sequence number of the log."""
    collections: tuple[CollectionStats, ...]
    vectors: int
    """Vectors in the file, those included that no chunk uses any more."""
    vectors_used: int
    vectors_lost: int
    """Vectors in blocks that were damaged: their chunks wait for an ingest that embeds them again."""
    bytes: Mapping[str, int]
    purging: bool = False
    """Whether a purge was interrupted, so that bytes of what it removed may be left."""
    earlier: tuple[Path, ...] = ()
    """Copies of it as it was before its format was upgraded: the way back, until they are removed."""


@dataclass(frozen=True, slots=True)
class Sizes:
    """The bytes that an index took on disk, and those that it takes now."""

    bytes_before: int
    bytes: int


@runtime_checkable
class Upkeep(Protocol):
    """An index that can be looked after. Each raises `IndexMissing` where nothing was ever stored."""

    def collections(self) -> list[str]:
        """The names of the collections that something was ever stored in, in order."""
        ...

    def check(self) -> list[Problem]:
        """Recover as every open does, then read every byte and compare it with its sums."""
        ...

    def repair(self) -> list[Problem]:
        """Make anew whatever can be; returns what is still wrong."""
        ...

    def stats(self) -> IndexStats:
        """How it is made and how much it holds."""
        ...

    def snapshot(self, target: Path) -> None:
        """Write a consistent copy into a new folder while readers and the writer go on."""
        ...

    def compact(self) -> Sizes:
        """Give back the space of what was deleted, while readers go on."""
        ...

    def purge(self, origins: Sequence[str], *, scope: Scope = ...) -> int:
        """Remove origins so that no byte of what they held is left; returns how many there were."""
        ...

    def drop(self, collection: str) -> None:
        """Take a collection out at once, however large; the next compaction gives its space back."""
        ...

    def export(self, target: Path) -> list[CollectionStats]:
        """Write documents, chunks and vectors into a new folder, as files that other programs read."""
        ...

    def import_from(self, source: Path) -> list[CollectionStats]:
        """Store all that an export holds."""
        ...

    def migrate(self) -> Iterator[tuple[int, int]]:
        """Embed what is stored with the pipeline's embedder, then switch to it; yields done and goal."""
        ...

    def undo_migration(self) -> str:
        """Give up a migration, or switch back to the embedder before; its identity."""
        ...
