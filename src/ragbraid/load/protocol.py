"""The contract of a loader: names what there is cheaply, then reads one source at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

from ragbraid.types import Document, Skipped, SourceRef


class Loader(Protocol):
    """Finds sources and reads them as documents."""

    def scan(self, paths: Sequence[str], base: Path) -> Iterator[SourceRef | Skipped]:
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
