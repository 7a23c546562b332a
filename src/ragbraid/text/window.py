"""A part of a text with what stands around it, as a late-chunking embedder takes it: in one string.

Source: Günther et al., Late Chunking: Contextual Chunk Embeddings Using Long-Context Embedding Models, 2024.
The part's place follows the text behind a NUL, so that equal strings are equal parts of equal surroundings.
"""

from __future__ import annotations

import re

_PLACE = re.compile(r"(\d+):(\d+)")
_MARK = "\0"


def within(window: str, start: int, end: int) -> str:
    """The characters from `start` to `end` of a window; the text alone where that is all of it."""
    return window if (start, end) == (0, len(window)) else f"{window}{_MARK}{start}:{end}"


def part_of(text: str) -> tuple[str, int, int]:
    """The window of what `within` gave, and the part's place in it; any other text is all of its own."""
    window, mark, place = text.rpartition(_MARK)
    found = _PLACE.fullmatch(place) if mark else None
    if found is None or not int(found[1]) < int(found[2]) <= len(window):
        return text, 0, len(text)
    return window, int(found[1]), int(found[2])
