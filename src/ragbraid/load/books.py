"""Books: EPUB and FictionBook, as Markdown, their chapters in the order in which they are read."""

from __future__ import annotations

from collections.abc import Mapping

from ragbraid.load.extraction import document_of, extract, whole
from ragbraid.load.reading import Reader, Settings, suffixes
from ragbraid.types import Document


def _book(mime_type: str) -> Reader:
    def read(source: str, data: bytes, settings: Settings) -> list[Document]:
        return [document_of(source, whole(extract(data, mime_type, settings)))]

    return read


READERS: Mapping[str, Reader] = {
    **suffixes(_book("application/epub+zip"), "epub"),
    **suffixes(_book("application/x-fictionbook+xml"), "fb2"),
}
