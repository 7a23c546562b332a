"""The score of a vector for a question, the same however it was found."""

from __future__ import annotations

import numpy as np

from ragbraid.index.rows import Ints
from ragbraid.index.vector_file import picked
from ragbraid.types import Vectors


def scores(matrix: Vectors, slots: Ints, query: Vectors) -> Vectors:
    """float32 of the inner products in float64.

    They don't depend on how many are scored at once, nor on the processor.
    """
    # einsum sums each row alike, however many there are; a matrix product doesn't.
    rows = picked(matrix, slots).astype(np.float64)
    products = np.einsum("ij,j->i", rows, query.astype(np.float64))
    found: Vectors = products.astype(np.float32)
    return found
