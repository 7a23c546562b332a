"""Batches by tokens, longest texts first, so that next to nothing is padding."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby


def by_length(lengths: Sequence[int], budget: int) -> Iterator[list[int]]:
    """Positions in groups of similar length, each at most `budget` tokens when padded, or one text."""
    order = sorted(range(len(lengths)), key=lambda each: (-lengths[each], each))
    start = 0
    while start < len(order):
        size = max(1, budget // max(1, lengths[order[start]]))
        yield order[start : start + size]
        start += size


def of_one_length(lengths: Sequence[int], budget: int) -> Iterator[list[int]]:
    """The same in groups of one length each.

    Padding changes the last digits of what an encoder computes; without it a text's vectors are the same
    whatever stands beside it.
    """
    for rows in by_length(lengths, budget):
        for _, alike in groupby(rows, key=lengths.__getitem__):
            yield list(alike)
