"""The `markdown` splitter: a chunk is a section, or a part of one, and is called by its headings."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, ClassVar

from annotated_types import Ge

from ragbraid.embed.protocol import Embedder
from ragbraid.split.fitting import FittedRuntime, Fitter
from ragbraid.split.headings import JOINER, Group, Headed, apart, headed, merged, within, without_bare
from ragbraid.split.naming import Naming
from ragbraid.split.sections import Section, Segment, sectioned
from ragbraid.text.markdown import Outline, header, outline_of
from ragbraid.types import Chunk, Document


@dataclass(frozen=True, slots=True)
class Markdown:
    """Cuts Markdown at its headings, and says of each chunk which headings it stands under.

    The path stands in the chunk's metadata as `headings`, such as `Guide > Install`. A section over
    `max_tokens` of the embedder's tokens (special tokens not counted; without an embedder, a word counts as
    a token for each four bytes begun) is cut as `recursive-splitter` cuts. Code fences and tables are torn
    only where one alone is over the limit, and then between lines; the later parts of a table are embedded
    with its header. With `merge`, a section and its sub-sections share a chunk where they fit, and so do
    small neighbours under one heading; the path is then what they have in common. With `context`, chunks
    are embedded with the document's title and with those headings that aren't in their text.

    Offsets are exact. What isn't Markdown is cut as text. Raises `InputError` where `max_tokens` is more than
    the embedder sees of a text.
    """

    embedder: Embedder | None = None
    max_tokens: Annotated[int, Ge(8)] = 220
    merge: bool = False
    context: bool = False

    blocking: ClassVar[bool] = True

    def open(self) -> MarkdownRuntime:
        """A splitter that reads its embedder's tokenizer at the first call."""
        return MarkdownRuntime(Fitter(self.embedder, self.max_tokens), self.merge, self.context)


class MarkdownRuntime(FittedRuntime):
    """A splitter at work."""

    def __init__(self, fitter: Fitter, merge: bool, context: bool) -> None:
        super().__init__(fitter, context)
        self._merge = merge

    def _split(self, document: Document) -> Iterator[Chunk]:
        outline = outline_of(document)
        parts = headed(document.text, document.body, outline)
        naming = Naming(self._fitter, document, self._context)

        def sections(segment: Segment) -> Iterator[Section]:
            groups = [*without_bare(self._groups(within(parts, *segment.span), segment))]
            ends = [*(each.first.start for each in groups[1:]), segment.span[1]]
            for group, end in zip(groups, ends, strict=True):
                yield self._section(group, end, segment, outline, naming)

        return sectioned(self._fitter, document, outline, sections)

    def _section(self, group: Group, end: int, segment: Segment, outline: Outline, naming: Naming) -> Section:
        """A group as a section: its contexts name those headings that aren't in the chunk's own text."""
        start, context = group.first.start, naming.context(group.path)
        contexts = [(start, naming.context(group.first.above)), (group.first.text_start, context)]
        room = self._fitter.limit - naming.length(context)
        for table in outline.tables_in(start, end):
            if segment.tokens(table.start, table.end) > room:
                below = naming.below(context, header(segment.text, table))
                contexts += [(table.body, below), (table.end, context)]
        metadata = {"headings": JOINER.join(group.path)} if group.path else {}
        return Section(start, metadata, tuple(contexts))

    def _groups(self, parts: list[Headed], segment: Segment) -> Iterator[Group]:
        if not self._merge:
            return apart(parts)
        return merged(parts, segment.tokens, self._fitter.limit, segment.span[1])
