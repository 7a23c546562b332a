"""Citations: spans of a hit's text, as spans of the stored document."""

from __future__ import annotations

from dataclasses import replace

from ragbraid.errors import IndexDamaged
from ragbraid.hits import line_of, page_of
from ragbraid.types import Citation, Hit


def cite(hit: Hit, start: int, end: int) -> Citation:
    """The citation of `hit.text[start:end]`.

    Raises `IndexDamaged` where the hit's offsets can't be those of its text: what can't be verified isn't
    cited.
    """
    if hit.end - hit.start != len(hit.text) or not 0 <= start < end <= len(hit.text):
        raise IndexDamaged(
            f"The passage {hit.id} of {hit.source} doesn't lie where its offsets say.",
            "Ingest the source anew.",
        )
    return Citation(
        source=hit.source,
        start=hit.start + start,
        end=hit.start + end,
        quote=hit.text[start:end],
        content_hash=hit.content_hash,
        page=page_of(hit, start),
        chunk_id=hit.id,
        line=line_of(hit.line, hit.text, start),
        last_line=line_of(hit.line, hit.text, end - 1),
    )


def within(citation: Citation, start: int, end: int) -> Citation:
    """The citation of `citation.quote[start:end]`."""
    quote = citation.quote
    return replace(
        citation,
        start=citation.start + start,
        end=citation.start + end,
        quote=quote[start:end],
        line=line_of(citation.line, quote, start),
        last_line=line_of(citation.line, quote, end - 1),
    )
