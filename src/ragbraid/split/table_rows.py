"""The `table-rows` splitter: rows of a table, embedded with its header."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePath
from typing import Annotated, ClassVar

from annotated_types import Ge

from ragbraid.embed.protocol import Embedder
from ragbraid.split.fitting import FittedRuntime, Fitter
from ragbraid.split.headings import JOINER, Headed, headed, within
from ragbraid.split.naming import Naming
from ragbraid.split.sections import Section, Segment, sectioned
from ragbraid.text.markdown import Outline, header, outline_of
from ragbraid.text.records import delimiter, names_columns, records
from ragbraid.types import Chunk, Document

_TABS = {".tsv", ".tab", "text/tab-separated-values"}
_DELIMITED = {".csv", "text/csv", *_TABS}

_ROW = re.compile(r"(?<=[\r\n])[^\r\n]")


@dataclass(frozen=True, slots=True)
class TableRows:
    """Cuts tables between rows, and embeds each chunk with the names of the columns.

    A chunk holds as many rows of a CSV or TSV file, or of a table in Markdown, as fit `max_tokens` of the
    embedder's tokens together with the table's header (special tokens not counted; without an embedder, a
    word counts as a token for each four bytes begun). The header is the chunk's context: embedded and
    searched with the rows, but not in their text. Of a header over half the limit, the first columns are
    taken. A row is torn only where it alone is over the limit. The first row of a file counts as its header
    unless there is a number or an empty cell in it.

    Text around the tables of Markdown makes chunks of its own, which have their headings in the metadata;
    what has no table is cut as `recursive-splitter` cuts. With `context`, chunks are embedded with the
    document's title and their headings, too. Offsets are exact. Raises `InputError` where `max_tokens` is
    more than the embedder sees of a text.
    """

    embedder: Embedder | None = None
    max_tokens: Annotated[int, Ge(8)] = 220
    context: bool = False

    blocking: ClassVar[bool] = True

    def open(self) -> TableRowsRuntime:
        """A splitter that reads its embedder's tokenizer at the first call."""
        return TableRowsRuntime(Fitter(self.embedder, self.max_tokens), self.context)


class TableRowsRuntime(FittedRuntime):
    """A splitter at work."""

    def _split(self, document: Document) -> Iterator[Chunk]:
        naming = Naming(self._fitter, document, self._context)
        if is_delimited(document):
            return self._delimited(document, naming)
        return self._marked(document, naming)

    def _delimited(self, document: Document, naming: Naming) -> Iterator[Chunk]:
        """The rows of a file; the lines of a quoted cell are no rows."""
        text, start = document.text, document.body
        kind = {document.media_type, PurePath(document.source).suffix.lower()}
        separator = delimiter(text, start, bool(kind & _TABS))
        rows = [*records(text, start, separator)]
        contexts = [(start, naming.context())]
        if rows and names_columns(text[slice(*rows[0])], separator):
            columns = " ".join(text[slice(*rows[0])].removeprefix("\ufeff").split())
            contexts.append((rows[0][1], naming.below(naming.context(), columns)))
        begins = [begin for begin, _ in rows]
        unlined = Outline(fences=((start, len(text)),))

        def sections(segment: Segment) -> Iterator[Section]:
            yield Section(segment.span[0], contexts=tuple(contexts), units=begins)

        return sectioned(self._fitter, document, unlined, sections)

    def _marked(self, document: Document, naming: Naming) -> Iterator[Chunk]:
        """The rows of a text's tables, and what is around them."""
        outline = outline_of(document)
        parts = headed(document.text, document.body, outline)

        def sections(segment: Segment) -> Iterator[Section]:
            found = within(parts, *segment.span)
            ends = [*(each.start for each in found[1:]), segment.span[1]]
            for part, end in zip(found, ends, strict=True):
                yield from self._around_tables(part, end, segment, outline, naming)

        return sectioned(self._fitter, document, outline, sections)

    def _around_tables(
        self, part: Headed, end: int, segment: Segment, outline: Outline, naming: Naming
    ) -> Iterator[Section]:
        """A section under its heading, cut around its tables; a few words above a table stay with it."""
        metadata = {"headings": JOINER.join(part.path)} if part.path else {}
        context = naming.context(part.path)
        above = (part.start, naming.context(part.above)), (part.text_start, context)
        at = part.start
        for table in outline.tables_in(part.start, end):
            if segment.tokens(at, table.start) > self._fitter.limit // 4:
                yield Section(at, metadata, above)
                at = table.start
            below = (table.body, naming.below(context, header(segment.text, table)))
            lines = _ROW.finditer(segment.text[table.body : table.end])
            rows = [at, *(table.body + each.start() for each in lines)]
            yield Section(at, metadata, (*above, below), rows)
            at = table.end
        if segment.text[at:end].strip():
            yield Section(at, metadata, above)


def is_delimited(document: Document) -> bool:
    """Whether a document is a CSV or TSV file, by its type or its name."""
    return not _DELIMITED.isdisjoint({document.media_type, PurePath(document.source).suffix.lower()})
