"""The pages of a document, by the offsets at which they begin."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence


def page_at(pages: Sequence[int], offset: int) -> int | None:
    """The page that a character is on, counted from 1; None where there are no pages."""
    return bisect_right(pages, offset) or None


def breaks(pages: Sequence[int], start: int, end: int) -> tuple[int, ...]:
    """Where pages begin within a span, behind its first character."""
    return tuple(pages[bisect_right(pages, start) : bisect_left(pages, end)])
