"""Small passages found, larger ones answered with: hits of `parent-child` widened to their parents."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Annotated, Any, ClassVar

from annotated_types import Ge

from ragbraid.hits import widened
from ragbraid.index.protocol import Index
from ragbraid.types import Document, Hit

PARENT = "parent"

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Parents:
    """Puts in each hit's place the passage that it was cut from by `parent-child`.

    The first `max(k, candidates)` parents are given, each once, in the order and with the scores, id and
    metadata of its best child. Their text is an exact span of the stored document, read from `index` under
    the question's scope. A hit without a parent, or whose document is another by now, stays as it is.
    """

    index: Index
    candidates: Annotated[int, Ge(1)] = 10

    blocking: ClassVar[bool] = True

    def __call__(self, hits: list[Hit], k: int) -> list[Hit]:
        """The parents of the hits, best first."""
        found: dict[object, Hit] = {}
        documents: dict[str, Document | None] = {}
        for hit in hits:
            span = _span(hit.metadata)
            parent = self._widened(hit, span, documents) if span else None
            key = (hit.source, span) if parent else hit.id
            if key in found:
                continue
            if len(found) == max(k, self.candidates):
                break
            found[key] = parent or hit
        return list(found.values())

    def _widened(self, hit: Hit, span: Span, documents: dict[str, Document | None]) -> Hit | None:
        if hit.source not in documents:
            stored = self.index.document(hit.source)
            same = stored is not None and sha256(stored.text.encode()).hexdigest() == hit.content_hash
            documents[hit.source] = stored if same else None
        document = documents[hit.source]
        start, end = span
        if document is None or not 0 <= start <= hit.start < hit.end <= end <= len(document.text):
            return None
        return widened(hit, document, start, end)


def _span(metadata: Mapping[str, Any]) -> Span | None:
    """The place of a hit's parent; None where it has none."""
    match metadata.get(PARENT):
        case [int(start), int(end)]:
            return start, end
        case _:
            return None
