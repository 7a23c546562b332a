"""Sparse vectors by their terms, and the chunks that share the most weight with a question.

The inner product is summed up term by term over the chunks that have it ("term at a time": Turtle and Flood,
"Query Evaluation: Strategies and Optimizations", 1995), in the order of the terms, so that a chunk's score
doesn't depend on what is stored beside it. It is exact.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from ragbraid.index.rows import Ints, Mask

if TYPE_CHECKING:
    from ragbraid.embed.protocol import SparseVector

Floats = npt.NDArray[np.float32]
Places = npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True, eq=False)
class Postings:
    """Chunks by the terms that they have."""

    rows: Ints
    """The chunks, in ascending order."""
    terms: Ints
    """Those that some chunk has, in ascending order."""
    starts: Ints
    """Where each term's places and weights begin, and at last their number."""
    places: Places
    """The positions in `rows` of the chunks that have a term, in ascending order."""
    weights: Floats

    def span(self, term: int) -> tuple[int, int]:
        """Where a term's places begin and end."""
        at = int(np.searchsorted(self.terms, term))
        if at == len(self.terms) or self.terms[at] != term:
            return 0, 0
        return int(self.starts[at]), int(self.starts[at + 1])

    def scores(self, query: SparseVector) -> Floats:
        """The inner product of each chunk with a question, by position in `rows`."""
        sums = np.zeros(len(self.rows), np.float32)
        for term, weight in zip(query.terms.tolist(), query.weights, strict=True):
            low, high = self.span(term)
            # A chunk is there once for a term, so that adding in place loses nothing.
            sums[self.places[low:high]] += weight * self.weights[low:high]
        return sums


def postings(rows: Sequence[int], vectors: Iterable[SparseVector]) -> Postings:
    """The vectors of chunks, which are given in ascending order, by their terms."""
    kept = list(vectors)
    counts = [len(each.terms) for each in kept]
    terms: Ints = np.concatenate([np.empty(0, np.int64), *(each.terms for each in kept)])
    weights = np.concatenate([each.weights for each in kept]) if kept else np.empty(0, np.float32)
    places = np.repeat(np.arange(len(kept), dtype=np.int32), counts)
    return _grouped(np.asarray(rows, np.int64), terms, places, weights)


def joined(first: Postings, second: Postings, kept: tuple[Mask, Mask]) -> Postings:
    """Those chunks of both that are `kept`; the rows of the second follow those of the first."""
    parts = [_thinned(*each) for each in zip((first, second), kept, strict=True)]
    offset = len(parts[0][0])
    return _grouped(
        np.concatenate([parts[0][0], parts[1][0]]),
        np.concatenate([parts[0][1], parts[1][1]]),
        np.concatenate([parts[0][2], parts[1][2] + np.int32(offset)]),
        np.concatenate([parts[0][3], parts[1][3]]),
    )


def _thinned(held: Postings, kept: Mask) -> tuple[Ints, Ints, Places, Floats]:
    """Rows, and of each posting its term, its place among them and its weight."""
    terms = np.repeat(held.terms, np.diff(held.starts))
    there = kept[held.places]
    moved = (np.cumsum(kept) - 1).astype(np.int32)
    return held.rows[kept], terms[there], moved[held.places[there]], held.weights[there]


def _grouped(rows: Ints, terms: Ints, places: Places, weights: Floats) -> Postings:
    order = np.lexsort((places, terms))
    found, starts = np.unique(terms[order], return_index=True)
    return Postings(
        rows,
        found.astype(np.int64),
        np.append(starts, len(terms)).astype(np.int64),
        places[order].astype(np.int32),
        weights[order].astype(np.float32),
    )
