"""Batches by tokens, longest texts first, so that next to nothing is padding."""

from __future__ import annotations

from collections.abc import Iterator, Sequence


def by_length(lengths: Sequence[int], budget: int) -> Iterator[list[int]]:
    """Positions in groups of similar length, each at most `budget` tokens when padded, or one text."""
    order = sorted(range(len(lengths)), key=lambda each: (-lengths[each], each))
    start = 0
    while start < len(order):
        size = max(1, budget // max(1, lengths[order[start]]))
        yield order[start : start + size]
        start += size
