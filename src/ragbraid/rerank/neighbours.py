"""Hits with the chunks before and after them."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import Annotated, ClassVar

from annotated_types import Ge

from ragbraid.hits import widened
from ragbraid.index.protocol import Index
from ragbraid.types import Document, Hit


@dataclass(frozen=True, slots=True)
class Neighbours:
    """Widens each hit by the chunks `before` and `after` it in its document, as one span of its text.

    The first `max(k, candidates)` hits are widened, later ones dropped; a hit whose chunk a better one has
    taken in already is dropped, too. Scores, id and metadata stay the hit's. Chunks and text are read from
    `index` under the question's scope, so a citation is of the stored document. A hit whose document is
    another by now, or without offsets of a chunk, stays as it is.
    """

    index: Index
    before: Annotated[int, Ge(0)] = 1
    after: Annotated[int, Ge(0)] = 1
    candidates: Annotated[int, Ge(1)] = 10

    blocking: ClassVar[bool] = True

    def __call__(self, hits: list[Hit], k: int) -> list[Hit]:
        """The widened hits, in the order of the hits."""
        found: list[Hit] = []
        chunks: dict[str, list[Hit]] = {}
        documents: dict[str, Document | None] = {}
        for hit in hits:
            if len(found) == max(k, self.candidates):
                break
            held = (each for each in found if each.source == hit.source)
            if any(each.start <= hit.start and hit.end <= each.end for each in held):
                continue
            if hit.source not in chunks:
                chunks[hit.source] = self.index.chunks(hit.source)
                documents[hit.source] = self.index.document(hit.source)
            found.append(self._widened(hit, chunks[hit.source], documents[hit.source]))
        return found

    def _widened(self, hit: Hit, chunks: list[Hit], document: Document | None) -> Hit:
        at = next((place for place, each in enumerate(chunks) if each.id == hit.id), None)
        if at is None or document is None or sha256(document.text.encode()).hexdigest() != hit.content_hash:
            return hit
        span = chunks[max(0, at - self.before) : at + self.after + 1]
        return widened(hit, document, min(each.start for each in span), max(each.end for each in span))
