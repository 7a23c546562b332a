"""HTML: the visible text of a page as Markdown, without scripts, styles and navigation."""

from __future__ import annotations

import dataclasses
import html
import re
from collections.abc import Mapping

from ragbraid.load.decoding import decode
from ragbraid.load.extraction import Extracted, document_of, extract, title_of, whole
from ragbraid.load.images import bare_in_html
from ragbraid.load.reading import Reader, Settings, suffixes
from ragbraid.types import Document

_TITLE = re.compile(r"<title[^<>]*>(.{0,2000}?)</title", re.IGNORECASE | re.DOTALL)
_LANG = re.compile(r"<html[^<>]*?\slang\s*=\s*[\"']?([A-Za-z][A-Za-z0-9-]{0,34})", re.IGNORECASE)
_BODY = re.compile(r"<(?:body|svg)(?=[\s>])", re.IGNORECASE)
_HEAD = 64 * 1024


def read_html(source: str, data: bytes, settings: Settings) -> list[Document]:
    """The page's visible text as Markdown."""
    text, encoding, warning = decode(data, html=True)
    return [
        document_of(source, dataclasses.replace(extract_html(text, settings), encoding=encoding), warning)
    ]


def extract_html(text: str, settings: Settings) -> Extracted:
    """What a page says. Takes decoded text, so that its charset has been settled before."""
    found = extract(text.encode("utf-8"), "text/html", settings)
    head = _BODY.split(text[:_HEAD], maxsplit=1)[0]
    title, lang = _TITLE.search(head), _LANG.search(text[:_HEAD])
    named = title_of(" ".join(html.unescape(title[1]).split())) if title else None
    page = whole({**found, "title": named, "language": lang[1] if lang else None})
    return dataclasses.replace(page, bare=bare_in_html(text))


READERS: Mapping[str, Reader] = suffixes(read_html, "html htm xhtml")
