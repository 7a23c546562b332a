"""The `files` loader: documents from files and folders of this machine."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, ClassVar

from annotated_types import Gt

from ragbraid.errors import InputError, LoadError
from ragbraid.load.walk import Found, Walk, globs
from ragbraid.types import Document, Skipped, SourceRef

_FRESH_NS = 2_000_000_000
_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class Files:
    """Reads files and folders: text, source code, Markdown, HTML, PDF and DOCX.

    Sources are named by their POSIX path relative to the pipeline file's folder, or absolutely where
    they lie outside it. `include` and `exclude` are globs as `.gitignore` writes them, matched against
    that name; `.gitignore` files are honoured, and hidden files left out unless `hidden`. Of several
    links to one file, one is read. A path given by name is read even where it is hidden or ignored.
    A file over `max_mb` megabytes is skipped.

    A text or Markdown file is stored decoded and otherwise untouched, except that a byte order mark is
    no part of it: offsets count its characters. HTML and DOCX are stored as Markdown, a PDF as the text
    of its pages. `timeout` is in seconds per PDF, DOCX or HTML file; these are parsed in a process of
    their own, which is then ended. Raises `LoadError` for a file that can't be read.
    """

    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    hidden: bool = False
    max_mb: Annotated[float, Gt(0)] = 64.0
    timeout: Annotated[float, Gt(0)] = field(default=120.0, metadata={"digest": False})

    blocking: ClassVar[bool] = True
    version: ClassVar[int] = 1

    def scan(self, paths: Sequence[str], base: Path) -> Iterator[SourceRef | Skipped]:
        """Name every file under `paths`, folders in alphabetical order, links last."""
        given = [os.path.abspath(path) for path in paths]
        for path, each in zip(given, paths, strict=True):
            if not os.path.lexists(path):
                raise InputError(f"There is no file or folder {each!r}.", "Check how it is written.")
        return self._scan(given, base)

    def fingerprint(self, ref: SourceRef) -> str:
        """The SHA-256 of the file's bytes, read in blocks."""
        digest = hashlib.sha256()
        try:
            with open(ref.location, "rb") as file:
                while block := file.read(_BLOCK):
                    digest.update(block)
        except OSError as error:
            raise _unreadable(error) from None
        return digest.hexdigest()

    def load(self, ref: SourceRef) -> Iterator[Document]:
        """One document per file."""
        from ragbraid.load.formats import reader_for

        reader = reader_for(ref.location)
        if reader is None:
            raise LoadError("Its format isn't one that is read.", "Convert it to text, or leave it out.")
        try:
            with open(ref.location, "rb") as file:
                data = file.read(int(self.max_mb * 1e6) + 1)
        except OSError as error:
            raise _unreadable(error) from None
        if len(data) > self.max_mb * 1e6:
            raise LoadError(f"It is larger than `max_mb` ({self.max_mb:g} MB).", "Raise `max_mb`.")
        yield reader(ref.origin, data, self.timeout)

    def _scan(self, paths: list[str], base: Path) -> Iterator[SourceRef | Skipped]:
        root = os.path.abspath(base)

        def name(path: str) -> str:
            return source_name(path, root)

        from ragbraid.load.formats import reader_for

        include, exclude = globs(self.include), globs(self.exclude)
        for found in Walk(self.hidden, name)(paths):
            if isinstance(found, Skipped):
                yield found
                continue
            source = name(found.path)
            matched = source.lstrip("/")
            if (self.include and not include.match_file(matched)) or exclude.match_file(matched):
                continue
            if reader_for(source) is None:
                yield Skipped(source, _unknown(source))
            elif found.status.st_size > self.max_mb * 1e6:
                yield Skipped(source, f"it is larger than `max_mb` ({self.max_mb:g} MB)")
            else:
                yield SourceRef(source, found.path, found.status.st_size, _stamp(found))


def source_name(path: str, base: str) -> str:
    """The POSIX path relative to `base` where the file lies inside it, else the absolute one.

    Both are absolute. Bytes of a name that aren't UTF-8 are written as `\\xNN`.
    """
    inside = _inside(path, base)
    if inside is None:  # the same folder may have been reached through a link
        inside = _inside(os.path.realpath(path), os.path.realpath(base))
    return os.fsencode((inside or path).replace(os.sep, "/")).decode("utf-8", "backslashreplace")


def _inside(path: str, folder: str) -> str | None:
    prefix = folder if folder.endswith(os.sep) else folder + os.sep
    return path[len(prefix) :] if path.startswith(prefix) else None


def _stamp(found: Found) -> str:
    """Empty for a file changed a moment ago: one more change within the clock's tick would not show."""
    status = found.status
    if time.time_ns() - max(status.st_mtime_ns, status.st_ctime_ns) < _FRESH_NS:
        return ""
    return f"{status.st_size}:{status.st_mtime_ns}:{status.st_ctime_ns}:{status.st_ino}"


def _unknown(source: str) -> str:
    suffix = os.path.splitext(source)[1]
    return f"its format ({suffix}) isn't one that is read" if suffix else "its name tells no format"


def _unreadable(error: OSError) -> LoadError:
    reason = (error.strerror or str(error)).lower()
    return LoadError(f"It can't be read: {reason}.", "Check that it is there, and that you may read it.")
