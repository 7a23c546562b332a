"""Word's and PowerPoint's formats of 1997 to 2003, DOC and PPT; and what else is called by these names.

[MS-DOC] and [MS-PPT]. A file of Word 95 and before has no text that is read.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping

from ragbraid.errors import LoadError
from ragbraid.load import office
from ragbraid.load.extraction import document_of, extract, paged, whole
from ragbraid.load.hypertext import read_html
from ragbraid.load.reading import Reader, Settings, suffixes
from ragbraid.types import Document

DOC = "application/msword"
PPT = "application/vnd.ms-powerpoint"

_COMPOUND = b"\xd0\xcf\x11\xe0"
_OTHERS: tuple[tuple[re.Pattern[bytes], Reader], ...] = (
    (re.compile(rb"\s*\{\\rtf"), office.read_rtf),
    (re.compile(rb"PK\x03\x04"), office.read_docx),
    (re.compile(rb"(?:\xef\xbb\xbf)?\s*<(?:!doctype\s+)?html\b", re.IGNORECASE), read_html),
)
"""What programs write under the name of a DOC: how it begins, and its reader."""
_FIB = re.compile(rb"\xec\xa5\xc1\0")
"""The begin of a document's FIB ([MS-DOC] 2.5.2): it begins a sector, of which the smallest have 64 bytes."""
_LOCKED_PPT = re.compile(rb"\0\0\xf6\x0f.{4}\x14\0\0\0\xdf\xc4\xd1\xf3", re.DOTALL)
"""A CurrentUserAtom with the token of an encrypted file ([MS-PPT] 2.3.2)."""


def read_doc(source: str, data: bytes, settings: Settings) -> list[Document]:
    """The document's text, a line for each paragraph. Raises `LoadError` where it wants a password."""
    if not data.startswith(_COMPOUND):
        for begin, reader in _OTHERS:
            if begin.match(data):
                return [*reader(source, data, settings)]
    if any(each.start() % 64 == 0 and data[each.start() + 11] & 1 for each in _FIB.finditer(data[:-8])):
        raise _locked()
    found = extract(data, DOC, settings)
    text = "\n".join(each.rstrip() for each in found["content"].split("\n")).strip()
    if not text:
        raise LoadError("No text was found in it.", "Save it as DOCX, and ingest that.")
    extracted = dataclasses.replace(paged({**found, "content": ""}, [text]), pages=())
    return [document_of(source, extracted, media_type="text/plain")]


def read_ppt(source: str, data: bytes, settings: Settings) -> list[Document]:
    """The text of the slides, their titles as headings. Raises `LoadError` where it wants a password."""
    if _LOCKED_PPT.search(data):
        raise _locked()
    return [document_of(source, whole(extract(data, PPT, settings)))]


def _locked() -> LoadError:
    return LoadError("It is protected by a password.", "Save a copy without the password, and ingest that.")


READERS: Mapping[str, Reader] = {**suffixes(read_doc, "doc dot"), **suffixes(read_ppt, "ppt pps pot")}
