"""BM25 over the few passages of a pool, for weighted terms.

Source: Robertson & Zaragoza, The Probabilistic Relevance Framework, 2009, section 3.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

Term = TypeVar("Term", bound=Hashable)

_K1, _B = 1.2, 0.75


def idf(frequency: int, total: int) -> float:
    """How rare a term is that so many of all passages hold."""
    return math.log(1 + (max(total - frequency, 0) + 0.5) / (frequency + 0.5))


@dataclass(frozen=True, slots=True)
class Bm25(Generic[Term]):
    """A pool: how often each passage holds each term, and how many terms it has."""

    counts: Sequence[Mapping[Term, int]]
    lengths: Sequence[int]

    def scores(self, weights: Mapping[Term, float]) -> list[float]:
        """Each passage's score; a term's weight is its idf, times what it counts in the question."""
        mean = sum(self.lengths) / (len(self.lengths) or 1) or 1.0
        found = []
        for counts, length in zip(self.counts, self.lengths, strict=True):
            norm = _K1 * (1 - _B + _B * length / mean)
            held = weights.keys() & counts.keys()
            found.append(
                math.fsum(weights[each] * counts[each] * (_K1 + 1) / (counts[each] + norm) for each in held)
            )
        return found
