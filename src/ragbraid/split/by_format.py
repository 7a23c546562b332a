"""The `by-format` splitter: Markdown, code, tables and other texts, each cut as suits it."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import Annotated, ClassVar, Literal

from annotated_types import Ge

from ragbraid.embed.protocol import Embedder
from ragbraid.split.code import CodeRuntime
from ragbraid.split.fitting import Fitter
from ragbraid.split.grammars import language_of
from ragbraid.split.markdown import MarkdownRuntime
from ragbraid.split.protocol import Splitter
from ragbraid.split.recursive_splitter import RecursiveSplitterRuntime
from ragbraid.split.table_rows import TableRowsRuntime, is_delimited
from ragbraid.types import Chunk, Document

Format = Literal["markdown", "code", "tables", "text"]


@dataclass(frozen=True, slots=True)
class ByFormat:
    """Cuts each document as suits its format: Markdown, source code, tables, other text.

    Markdown, and what is read as such (HTML, DOCX, …), goes to `markdown`, source code to `code`, CSV and TSV
    to `table-rows`, all else to `recursive-splitter`, each with this one's `embedder`, `max_tokens` and
    `context`. Another splitter can be set in the place of each: `markdown`, `code`, `tables`, `text`.
    """

    embedder: Embedder | None = None
    max_tokens: Annotated[int, Ge(8)] = 220
    context: bool = False
    markdown: Splitter | None = None
    code: Splitter | None = None
    tables: Splitter | None = None
    text: Splitter | None = None

    blocking: ClassVar[bool] = True

    def open(self) -> ByFormatRuntime:
        """A splitter that reads its embedder's tokenizer at the first call."""
        fitter = Fitter(self.embedder, self.max_tokens)
        splitters: dict[Format, Splitter] = {
            "markdown": self.markdown or MarkdownRuntime(fitter, merge=False, context=self.context),
            "code": self.code or CodeRuntime(fitter, self.context),
            "tables": self.tables or TableRowsRuntime(fitter, self.context),
            "text": self.text or RecursiveSplitterRuntime(fitter, overlap=0, context=self.context),
        }
        return ByFormatRuntime(splitters, fitter)


class ByFormatRuntime:
    """Hands documents to the splitters of their formats."""

    def __init__(self, splitters: dict[Format, Splitter], fitter: Fitter) -> None:
        self._splitters = splitters
        self._fitter = fitter

    def __call__(self, documents: list[Document]) -> list[Chunk]:
        """The chunks of all documents, in order."""
        found: list[Chunk] = []
        for name, group in groupby(documents, format_of):
            found += self._splitters[name]([*group])
        return found

    def close(self) -> None:
        """Forget the counted words."""
        self._fitter.forget()


def format_of(document: Document) -> Format:
    """How a document is to be cut, by its type and its name."""
    if document.media_type == "text/markdown":
        return "markdown"
    if is_delimited(document):
        return "tables"
    return "text" if language_of(document) is None else "code"
