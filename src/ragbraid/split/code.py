"""The `code` splitter: functions, classes and methods as chunks, called by their qualified names."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from operator import attrgetter
from typing import Annotated, ClassVar

from annotated_types import Ge

from ragbraid.embed.protocol import Embedder
from ragbraid.split.definitions import Definition, Source
from ragbraid.split.fitting import FittedRuntime, Fitter
from ragbraid.split.grammars import language_of
from ragbraid.split.naming import Naming
from ragbraid.split.pieces import HEADING
from ragbraid.split.sections import Section, Segment, sectioned
from ragbraid.text.markdown import Outline, outline_of
from ragbraid.types import Chunk, Document

_LONGEST = 1_000_000
"""Characters of a file that is parsed; longer ones are data or generated, and are cut by lines."""
_CLOSING = re.compile(r"[\s{}()\[\];,]*+")
_STATEMENT = HEADING + 8
"""The rank of a cut before a statement of a function; before one in a block in it, one less."""


@dataclass(frozen=True, slots=True)
class Code:
    """Cuts source code into its functions, classes and methods, and says of each chunk which one it is.

    The qualified name stands in the chunk's metadata as `symbol`, such as `Herd.count`; comments, decorators
    and attributes right above a definition belong to it. A class that fits `max_tokens` of the embedder's
    tokens (special tokens not counted; without an embedder, a word counts as a token for each four bytes
    begun) is one chunk, else its head and each method are; what is still too long is cut between statements,
    the outer ones first. What stands between definitions makes chunks of its own. With `context`, chunks are
    embedded with the file's title or name, and their symbol.

    Reads Python, JavaScript, TypeScript, Go, Rust, Java, C and C++, told by the file's name, with the
    grammars of tree-sitter; a syntax error costs at most the names of what is around it. Other files,
    those over a million characters, and those that a parser can make nothing of in many times the usual time
    are cut as `recursive-splitter` cuts. Offsets are exact. Raises
    `InputError` where `max_tokens` is more than the embedder sees of a text, `MissingDependency` without the
    grammars.
    """

    embedder: Embedder | None = None
    max_tokens: Annotated[int, Ge(8)] = 220
    context: bool = False

    blocking: ClassVar[bool] = True

    def open(self) -> CodeRuntime:
        """A splitter that reads its embedder's tokenizer at the first call."""
        return CodeRuntime(Fitter(self.embedder, self.max_tokens), self.context)


class CodeRuntime(FittedRuntime):
    """A splitter at work."""

    def _split(self, document: Document) -> Iterator[Chunk]:
        language = language_of(document)
        if language is None or len(document.text) - document.body > _LONGEST:
            return self._as_text(document)
        naming = Naming(self._fitter, document, self._context, document.source)
        source = Source(document.text, document.body, language)
        definitions = source.definitions()
        if definitions is None:
            return self._as_text(document)
        lines = Outline(fences=((document.body, len(document.text)),))

        def sections(segment: Segment) -> list[Section]:
            named = _Named(segment, source, naming, self._fitter.limit)
            found = [*named.sections(definitions, document.body, len(document.text))]
            first = max(0, bisect_right(found, segment.span[0], key=attrgetter("start")) - 1)
            return [each for each in found[first:] if each.start < segment.span[1]]

        return sectioned(self._fitter, document, lines, sections, by_lines=False)

    def _as_text(self, document: Document) -> Iterator[Chunk]:
        naming = Naming(self._fitter, document, self._context)
        whole = [Section(document.body, contexts=((document.body, naming.context()),))]
        return sectioned(self._fitter, document, outline_of(document), lambda _: whole)


class _Named:
    """Makes sections of definitions, as far as they lie in a stretch of the file."""

    def __init__(self, segment: Segment, source: Source, naming: Naming, limit: int) -> None:
        self._segment = segment
        self._source = source
        self._naming = naming
        self._limit = limit

    def sections(
        self, definitions: Iterable[Definition], start: int, end: int, symbol: str = ""
    ) -> Iterator[Section]:
        """Definitions and what stands between them; closing brackets go with what is above them."""
        at = start
        for each in definitions:
            if each.start > at and not (at > start and self._closes(at, each.start)):
                yield self._section(at, symbol)
            yield from self._defined(each)
            at = each.end
        if not self._closes(at, end) or at == start:
            yield self._section(at, symbol)

    def _defined(self, definition: Definition) -> Iterator[Section]:
        context = self._naming.context((definition.symbol,))
        tokens = self._segment.tokens(definition.start, definition.end) + self._naming.length(context)
        if tokens > self._limit and definition.inner:
            yield from self.sections(definition.inner, definition.start, definition.end, definition.symbol)
            return
        if tokens > self._limit:
            self._rank(definition)
        yield self._section(definition.start, definition.symbol)

    def _rank(self, definition: Definition) -> None:
        """Let cuts come before statements, the outer ones first."""
        ranks = self._segment.pieces.ranks
        low, high = self._segment.span
        for start, depth in self._source.statements(definition):
            piece = self._segment.at(start)
            if low < start < high and piece < len(ranks):
                ranks[piece] = max(HEADING, _STATEMENT - depth)

    def _section(self, start: int, symbol: str) -> Section:
        context = self._naming.context((symbol,) if symbol else ())
        return Section(start, {"symbol": symbol} if symbol else {}, ((start, context),))

    def _closes(self, start: int, end: int) -> bool:
        return _CLOSING.fullmatch(self._segment.text, start, end) is not None
