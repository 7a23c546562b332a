"""Texts as vectors of their words and letters, without a model: for routes that go by words.

Words, pairs of words, and runs of three and four letters, which a typing error leaves for the most part as
they are; each is hashed to one of a few thousand numbers (Weinberger et al., Feature Hashing for Large Scale
Multitask Learning, ICML 2009), and weighed by how few utterances have it (inverse document frequency).
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from ragbraid.text.terms import words
from ragbraid.types import Vectors

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

DIMENSIONS = 2048


class Words:
    """Vectors of texts as these utterances weigh them."""

    def __init__(self, utterances: Sequence[str]) -> None:
        import numpy as np

        counted = _counted(utterances)
        held = (counted != 0).sum(axis=0)
        self._weights = np.log((len(utterances) + 1) / (held + 0.5)).astype(np.float32).clip(0)

    def vectors(self, texts: Sequence[str]) -> Vectors:
        """float32 of shape (len(texts), DIMENSIONS), unit rows, or zeros for a text without words."""
        import numpy as np

        found: Vectors = _counted(texts) * self._weights
        found /= np.linalg.norm(found, axis=1, keepdims=True).clip(1e-9)
        return found


def _counted(texts: Sequence[str]) -> npt.NDArray[np.float32]:
    import numpy as np

    counted = np.zeros((len(texts), DIMENSIONS), np.float32)
    for row, text in enumerate(texts):
        for each in set(_features(text)):
            hashed = zlib.crc32(each.encode())
            counted[row, hashed % DIMENSIONS] += 1 if hashed >> 16 & 1 else -1
    return counted


def _features(text: str) -> Iterator[str]:
    held = words(text)
    yield from (f"w{each}" for each in held)
    yield from (f"p{one} {other}" for one, other in pairwise(["^", *held, "$"]))
    for each in held:
        framed = f"<{each}>"
        yield from (framed[at : at + n] for n in (3, 4) for at in range(len(framed) - n + 1))
