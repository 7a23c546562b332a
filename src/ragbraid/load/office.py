"""Word processing and slides: DOCX, ODT, RTF, PPTX, ODP, as Markdown; a slide is a page."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from ragbraid.errors import LoadError
from ragbraid.load.extraction import Extracted, document_of, extract, paged, parsed, whole
from ragbraid.load.reading import Reader, Settings, suffixes
from ragbraid.types import Document

PPTX = "application/vnd.openxmlformats-officedocument.presentationml.presentation"
RTF = "application/rtf"


def read_rtf(source: str, data: bytes, settings: Settings) -> list[Document]:
    """The document."""
    return [document_of(source, whole(extract(data, RTF, settings)))]


def read_docx(source: str, data: bytes, settings: Settings) -> list[Document]:
    """The document; its notes and comments follow it."""
    return [document_of(source, dataclasses.replace(_own("docx", data, settings), pages=()))]


def read_pptx(source: str, data: bytes, settings: Settings) -> list[Document]:
    """A page for each slide: its title as a heading, its text and tables, then the speaker's notes."""
    found = extract(data, PPTX, settings)
    notes = found["notes"] or [None] * len(found["pages"])
    slides = [
        f"{text.strip()}\n\nNotes: {' '.join(said.split())}".strip() if said and said.strip() else text
        for text, said in zip(found["pages"], notes, strict=True)
    ]
    return [document_of(source, whole({**found, "pages": slides}, paged=True))]


def read_odf(source: str, data: bytes, settings: Settings) -> list[Document]:
    """An OpenDocument text, or a presentation with a page for each slide."""
    extracted = _own("odf", data, settings)
    if source.lower().endswith((".odt", ".ott")):
        extracted = dataclasses.replace(extracted, pages=())
    return [document_of(source, extracted)]


def _own(reader: str, data: bytes, settings: Settings) -> Extracted:
    """What one of ragbraid's own readers finds. Raises `LoadError`."""
    found = parsed(data, {"reader": reader}, settings)
    pages = [each.strip() for each in found["pages"]]
    if not any(pages):
        raise LoadError("No text was found in it.", "Open it to see whether it holds any.")
    return dataclasses.replace(paged(found, pages), bare=found["bare"])


READERS: Mapping[str, Reader] = {
    **suffixes(read_docx, "docx docm dotx"),
    **suffixes(read_rtf, "rtf"),
    **suffixes(read_pptx, "pptx pptm ppsx potx"),
    **suffixes(read_odf, "odt ott odp otp"),
}
