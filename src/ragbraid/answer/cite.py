"""Citations: spans of a hit's text, as spans of the stored document."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import replace

from ragbraid.errors import IndexDamaged
from ragbraid.text.lines import line_at
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
        line=_line(hit.line, hit.text, start),
        last_line=_line(hit.line, hit.text, end - 1),
    )


def page_of(hit: Hit, offset: int) -> int | None:
    """The page that a character of the hit's text is on."""
    return None if hit.page is None else hit.page + bisect_right(hit.page_breaks, hit.start + offset)


def within(citation: Citation, start: int, end: int) -> Citation:
    """The citation of `citation.quote[start:end]`."""
    quote = citation.quote
    return replace(
        citation,
        start=citation.start + start,
        end=citation.start + end,
        quote=quote[start:end],
        line=_line(citation.line, quote, start),
        last_line=_line(citation.line, quote, end - 1),
    )


def _line(first: int | None, text: str, offset: int) -> int | None:
    """The line of a character in a text that begins on the line `first`."""
    return None if first is None else first - 1 + line_at(text, offset)
