"""The `files` loader: documents from files and folders of this machine."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, BinaryIO, ClassVar, Literal

from annotated_types import Gt

from ragbraid.errors import LoadError, NotADocument
from ragbraid.load.places import (
    demand,
    everything,
    failed,
    fingerprint,
    format_name,
    opened,
    unreadable,
)
from ragbraid.load.walk import globs
from ragbraid.types import Document, Skipped, SourceRef


@dataclass(frozen=True, slots=True)
class Files:
    """Reads files and folders: text, code, Markdown, HTML, PDF, Office, e-books, mail, notebooks.

    Sources are named by their POSIX path relative to the pipeline file's folder, or absolutely where
    they lie outside it. `include` and `exclude` are globs as `.gitignore` writes them, matched against
    that name; `.gitignore` files are honoured, and hidden files left out unless `hidden`. Of several
    links to one file, one is read. A path given by name is read even where it is hidden or ignored.
    A file over `max_mb` megabytes is skipped, and so are indexes, exports, recordings and reports that
    ragbraid itself has written.

    A path may be a URL, too: `s3://bucket/folder`, `gs://…` and the other storages of fsspec (the extra
    `remote`), `https://…/file.pdf`, `zip://archive.zip`. Credentials come from the environment, as the
    storage's own tools read them. What is unchanged by its entity tag or time isn't fetched again. With
    `tags` the tags of objects in S3 become metadata.

    A text or Markdown file is stored decoded and otherwise untouched, except that a byte order mark is
    no part of it: offsets count its characters. A PDF is stored as the text of its pages, HTML, Office
    documents and e-books as Markdown, a sheet of a spreadsheet as a line for each row. What a file says of
    itself is metadata: `title`, `lang`, `author`, `subject`, `keywords`, `created`, `modified`. All but
    plain text is parsed in a process of its own, which is ended after `timeout` seconds for a file, or over
    `max_memory_mb` megabytes of memory, its own 150 included.

    Where Tesseract is installed, image files and pages of a PDF that are pictures are read by OCR in the
    `ocr_languages`, by Tesseract's names such as `deu`; `ocr: off` leaves them out, `force` reads each page
    of a PDF so. Raises `LoadError` for a file that can't be read.
    """

    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    hidden: bool = False
    max_mb: Annotated[float, Gt(0)] = 64.0
    ocr: Literal["auto", "off", "force"] = "auto"
    ocr_languages: tuple[str, ...] = ("eng",)
    timeout: Annotated[float, Gt(0)] = field(default=120.0, metadata={"digest": False})
    max_memory_mb: Annotated[float, Gt(0)] = field(default=4096.0, metadata={"digest": False})
    tags: bool = field(default=False, metadata={"digest": False})

    blocking: ClassVar[bool] = True
    version: ClassVar[int] = 5

    def scan(self, paths: Sequence[str], base: Path) -> Iterator[SourceRef | Skipped]:
        """Name every file under `paths`, folders in alphabetical order, links last."""
        demand(paths)
        return self._scan(paths, base)

    def fingerprint(self, ref: SourceRef) -> str:
        """The SHA-256 of the file's bytes, read in blocks."""
        return fingerprint(ref, self.max_mb * 1e6)

    def load(self, ref: SourceRef) -> Iterator[Document]:
        """A document per file; of a spreadsheet one per sheet, of a message one per attachment, too."""
        from ragbraid.load import own_output
        from ragbraid.load.formats import reader_for
        from ragbraid.load.reading import Limits, Ocr, Settings

        reader = reader_for(format_name(ref))
        if reader is None:
            raise LoadError("Its format isn't one that is read.", "Convert it to text, or leave it out.")
        try:
            with opened(ref, self.max_mb * 1e6) as file:
                data = _read(file, ref.size, int(self.max_mb * 1e6))
        except OSError as error:
            raise unreadable(error) from None
        if len(data) > self.max_mb * 1e6:
            raise LoadError(f"It is larger than `max_mb` ({self.max_mb:g} MB).", "Raise `max_mb`.")
        if (ours := own_output.of_file(data[: own_output.HEAD])) is not None:
            raise NotADocument(f"{ours.capitalize()}.", "Keep it where nothing is ingested.")
        settings = Settings(Limits(self.timeout, self.max_memory_mb), Ocr(self.ocr, self.ocr_languages))
        yield from reader(ref.origin, data, settings)

    def _scan(self, paths: Sequence[str], base: Path) -> Iterator[SourceRef | Skipped]:
        from ragbraid.load.formats import reader_for
        from ragbraid.load.pictures import left_out
        from ragbraid.load.reading import Ocr

        ocr = Ocr(self.ocr, self.ocr_languages)
        include, exclude = globs(self.include), globs(self.exclude)
        for found in everything(paths, base, hidden=self.hidden, tags=self.tags):
            if isinstance(found, Skipped):
                yield found
                continue
            matched = found.origin.lstrip("/")
            if (self.include and not include.match_file(matched)) or exclude.match_file(matched):
                continue
            if failed(found):
                yield found  # and loading it tells why
            elif reader_for(format_name(found)) is None:
                yield Skipped(found.origin, _unknown(format_name(found)))
            elif (reason := left_out(format_name(found), ocr)) is not None:
                yield Skipped(found.origin, reason)
            elif found.size > self.max_mb * 1e6:
                yield Skipped(found.origin, f"it is larger than `max_mb` ({self.max_mb:g} MB)")
            else:
                yield found


def _read(file: BinaryIO, size: int, most: int) -> bytes:
    """The bytes of a file that had `size` of them, and a byte more than `most` where it has more.

    Room is made for as many as are asked for, and for all that may be there it takes three times the reading.
    """
    data = file.read(min(size, most) + 1)
    return data if len(data) <= size else data + file.read(most + 1 - len(data))


def _unknown(source: str) -> str:
    suffix = os.path.splitext(source)[1]
    return f"its format ({suffix}) isn't one that is read" if suffix else "its name tells no format"
