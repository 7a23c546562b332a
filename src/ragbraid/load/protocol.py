"""The contract of a loader: names what there is cheaply, then reads one source at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Protocol, runtime_checkable

from ragbraid.types import Document, Gone, Skipped, SourceRef


class Loader(Protocol):
    """Finds sources and reads them as documents."""

    def scan(self, paths: Sequence[str], base: Path) -> Iterator[SourceRef | Skipped | Gone]:
        """Name every source under `paths`, in a fixed order, without parsing any.

        `base` is the folder that sources are named relative to. Raises `InputError` for a path that
        doesn't exist.
        """
        ...

    def fingerprint(self, ref: SourceRef) -> str:
        """The SHA-256 of the source's bytes, in hexadecimal. Raises `LoadError`."""
        ...

    def load(self, ref: SourceRef) -> Iterator[Document]:
        """Read a source. Raises `LoadError` with the reason where it can't be read."""
        ...


@runtime_checkable
class Claiming(Protocol):
    """A loader that is made for some sources, and so reads them where others could, too."""

    def claim(self, origin: str) -> int:
        """How surely a source is this loader's: 0 where it isn't, 1 by its format, 2 by its very name."""
        ...


@runtime_checkable
class Rooted(Protocol):
    """A loader that knows by itself what it reads, such as a database or a site, and takes no other paths."""

    def roots(self) -> Sequence[str]:
        """The paths that `scan` takes, each with a scheme; every origin is one of them or lies under one."""
        ...


@runtime_checkable
class Remembering(Protocol):
    """A loader that needn't fetch what is unchanged, where it is told what is stored."""

    def scan_since(
        self, paths: Sequence[str], base: Path, stamps: Mapping[str, str]
    ) -> Iterator[SourceRef | Skipped | Gone]:
        """`scan`, told the stamp with which each origin is stored."""
        ...
