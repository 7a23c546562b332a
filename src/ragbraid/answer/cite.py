"""Citations: spans of a hit's text, as spans of the stored document."""

from __future__ import annotations

from ragbraid.errors import IndexDamaged
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
        page=hit.page,
        chunk_id=hit.id,
    )
