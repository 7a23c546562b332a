"""Which files are read, and how each kind becomes a document."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import PurePath
from typing import Any

from ragbraid.load import extraction, front_matter
from ragbraid.load.decoding import decode
from ragbraid.text.markdown import outline
from ragbraid.types import Document

Reader = Callable[[str, bytes, float], Document]
"""Source, bytes and the most seconds that a parser may take → the document."""

_TEXT = """
txt text log rst adoc org tex csv tsv json jsonl ndjson yaml yml toml ini cfg conf properties xml srt
vtt py pyi ipy js mjs cjs jsx ts tsx java kt kts scala groovy gradle c h cc cpp cxx hh hpp hxx cs fs fsx vb
go rs swift m mm rb php pl pm lua r jl dart ex exs erl hrl hs lhs ml mli clj cljs edn lisp el scm nim zig d
pas asm s sh bash zsh fish ps1 bat cmd sql graphql gql proto thrift css scss sass less vue svelte cmake mk
tf hcl nix dockerfile diff patch bib
"""
_LONGEST = 500
_NAMES = """
readme license licence copying notice authors contributors changelog changes news todo install makefile
dockerfile containerfile jenkinsfile vagrantfile gemfile rakefile procfile justfile
"""


def read_text(source: str, data: bytes, _timeout: float) -> Document:
    """The file decoded, and otherwise untouched."""
    text, warning = decode(data)
    return Document(source, text, warnings=_warnings(warning))


def read_markdown(source: str, data: bytes, _timeout: float) -> Document:
    """The file decoded and otherwise untouched; a front matter becomes metadata, not body."""
    text, warning = decode(data)
    front = front_matter.read(text)
    metadata = dict(front.metadata)
    headings = outline(text, front.end).headings
    _describe(metadata, next((each.text for each in headings if each.text), None), metadata.get("language"))
    warnings = _warnings(warning, front.warning)
    return Document(source, text, metadata, (), warnings, front.body, "text/markdown")


def read_html(source: str, data: bytes, timeout: float) -> Document:
    """The page's visible text as Markdown."""
    text, warning = decode(data, html=True)
    return _extracted(source, extraction.extract_html(text, timeout), "text/markdown", warning)


def read_pdf(source: str, data: bytes, timeout: float) -> Document:
    """The text layer, with the offset of each page."""
    return _extracted(source, extraction.extract_pdf(data, timeout), "text/plain")


def read_docx(source: str, data: bytes, timeout: float) -> Document:
    """The document as Markdown."""
    return _extracted(source, extraction.extract_docx(data, timeout), "text/markdown")


READERS: Mapping[str, Reader] = {
    **dict.fromkeys((f".{each}" for each in _TEXT.split()), read_text),
    **dict.fromkeys((".md", ".markdown", ".mdx"), read_markdown),
    **dict.fromkeys((".html", ".htm", ".xhtml"), read_html),
    ".pdf": read_pdf,
    ".docx": read_docx,
}


def reader_for(name: str) -> Reader | None:
    """The reader for a file of this name; None where its format isn't read."""
    path = PurePath(name)
    if path.suffix:
        return READERS.get(path.suffix.lower())
    return read_text if path.name.lower() in _NAMES.split() else None


def _extracted(
    source: str, found: extraction.Extracted, media_type: str, warning: str | None = None
) -> Document:
    metadata: dict[str, Any] = {}
    title = found.title
    if title is None and media_type == "text/markdown":
        title = next((each.text for each in outline(found.text).headings if each.text), None)
    _describe(metadata, title, found.lang)
    return Document(source, found.text, metadata, found.pages, _warnings(warning), 0, media_type)


def _describe(metadata: dict[str, Any], title: str | None, lang: Any) -> None:
    """Set `title` and `lang` where they are known; what a front matter says of them stands, as text."""
    for key, value in (("title", title), ("lang", lang)):
        value = metadata.get(key) if metadata.get(key) not in (None, "") else value
        if isinstance(value, (str, int, float)) and str(value).strip():
            metadata[key] = str(value)[:_LONGEST]
        else:
            metadata.pop(key, None)


def _warnings(*warnings: str | None) -> tuple[str, ...]:
    return tuple(each for each in warnings if each)
