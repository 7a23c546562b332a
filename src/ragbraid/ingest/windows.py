"""What is embedded of a document's chunks: each by itself, or within its neighbours."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ragbraid.embed.protocol import Embedder
from ragbraid.split.counting import counter
from ragbraid.text.context import embedded, in_context
from ragbraid.text.window import within
from ragbraid.types import Chunk, Document

Texts = Callable[[Document, Sequence[Chunk]], list[str]]
"""The text of each chunk as the embedder is given it."""

MOST = 2048
"""Tokens of a window at most: each chunk in it carries all of it until it is embedded."""
_ROOM = 16
"""Tokens that a model's own prefix may take."""


def texts_for(embedder: Embedder | None) -> Texts:
    """How this embedder is given chunks. Raises `MissingDependency` for a late one without tokenizers."""
    if embedder is None or not getattr(embedder, "late", False):
        return _alone
    limit = min(embedder.max_tokens - _ROOM, MOST)
    count, _ = counter(embedder, max(limit, 1))

    def fits(text: str) -> bool:
        return count([text])[0] <= limit

    return lambda document, chunks: _within_neighbours(document, chunks, fits)


def _alone(_: Document, chunks: Sequence[Chunk]) -> list[str]:
    return [embedded(each) for each in chunks]


def _within_neighbours(document: Document, chunks: Sequence[Chunk], fits: Callable[[str], bool]) -> list[str]:
    """Each chunk within as many of its neighbours in a row as fit, below the first one's context."""
    texts: list[str] = []
    at = 0
    while at < len(chunks):
        first, upto = chunks[at], at + 1
        window, end = embedded(first), first.end
        while upto < len(chunks) and chunks[upto].start >= chunks[upto - 1].start:
            wider_end = max(end, chunks[upto].end)
            wider = in_context(first.context, document.text[first.start : wider_end])
            if not fits(wider):
                break
            window, end, upto = wider, wider_end, upto + 1
        head = len(window) - (end - first.start)
        for each in chunks[at:upto]:
            place = (head + each.start - first.start, head + each.end - first.start)
            texts.append(within(window, *place) if upto - at > 1 else window)
        at = upto
    return texts
