"""What lies at a path, read for another framework's loader."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ragbraid.errors import LoadError
from ragbraid.load.files import Files
from ragbraid.types import Document, Skipped


def read_files(files: Files, path: str | Path) -> Iterator[Document | LoadError]:
    """The documents of a file or of a folder's files; in place of one that can't be read the reason.

    Sources are named relative to the current folder. Raises `InputError` where there is nothing.
    """
    for found in files.scan([str(path)], Path.cwd()):
        if isinstance(found, Skipped):
            yield LoadError(f"{found.source} isn't read: {found.reason}.")
            continue
        try:
            yield from files.load(found)
        except LoadError as error:
            yield LoadError(f"{found.origin}: {error.message}", error.hint)
