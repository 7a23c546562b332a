"""Text, source code and Markdown: the file decoded, and otherwise untouched."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ragbraid.load import front_matter
from ragbraid.load.decoding import decode
from ragbraid.load.described import describe
from ragbraid.load.images import bare_in_markdown, remark
from ragbraid.load.reading import Reader, Settings, suffixes, warnings
from ragbraid.text.markdown import first_heading
from ragbraid.types import Document, Reading

_PROSE = "txt text"
_TEXT = """
log rst adoc org tex csv tsv json jsonl ndjson yaml yml toml ini cfg conf properties xml srt
vtt py pyi ipy js mjs cjs jsx ts tsx java kt kts scala groovy gradle c h cc cpp cxx hh hpp hxx cs fs fsx vb
go rs swift m mm rb php pl pm lua r jl dart ex exs erl hrl hs lhs ml mli clj cljs edn lisp el scm nim zig d
pas asm s sh bash zsh fish ps1 bat cmd sql graphql gql proto thrift css scss sass less vue svelte cmake mk
tf hcl nix dockerfile diff patch bib ics vcf
"""
_NAMES = """
readme license licence copying notice authors contributors changelog changes news todo install makefile
dockerfile containerfile jenkinsfile vagrantfile gemfile rakefile procfile justfile
"""
_TITLE = re.compile(r"\s*(?P<title>\S[^\n]{0,199}?)[ \t]*\r?\n[ \t]*\r?\n\s*\S")

NAMES = frozenset(_NAMES.split())
"""Names of text files that have no suffix, in lower case."""


def read_text(source: str, data: bytes, _settings: Settings) -> list[Document]:
    """The file decoded, and otherwise untouched."""
    text, encoding, warning = decode(data)
    return [Document(source, text, warnings=warnings(warning), reading=_verbatim(encoding))]


def read_prose(source: str, data: bytes, settings: Settings) -> list[Document]:
    """The same, with a first line that stands alone as the title."""
    (document,) = read_text(source, data, settings)
    metadata: dict[str, Any] = {}
    describe(metadata, title_line(document.text), None)
    return [replace(document, metadata=metadata)]


def title_line(text: str) -> str | None:
    """The first line, where a blank one and more text follow it; None where it is too long for a title."""
    found = _TITLE.match(text)
    return found["title"] if found else None


def read_markdown(source: str, data: bytes, _settings: Settings) -> list[Document]:
    """The file decoded and otherwise untouched; a front matter becomes metadata, not body."""
    text, encoding, warning = decode(data)
    front = front_matter.read(text)
    metadata = dict(front.metadata)
    describe(metadata, first_heading(text, front.end), metadata.get("language"))
    told = warnings(warning, front.warning, remark(bare_in_markdown(text)))
    return [Document(source, text, metadata, (), told, front.body, "text/markdown", _verbatim(encoding))]


def _verbatim(encoding: str) -> Reading:
    return Reading("text", encoding, verbatim=True)


READERS: Mapping[str, Reader] = {
    **suffixes(read_text, _TEXT),
    **suffixes(read_prose, _PROSE),
    **suffixes(read_markdown, "md markdown mdx"),
}
