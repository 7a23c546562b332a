"""A deterministic sparse embedder without weights: each word is a term of its own."""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar

from annotated_types import Ge

from ragbraid.context import Context
from ragbraid.embed.protocol import Purpose, SparseVector
from ragbraid.testing.hash_embedder import stems


@dataclass(frozen=True, slots=True)
class HashSparseEncoder:
    """Gives each word stem of a text a term by its hash, for tests: no weights, equal on every machine.

    The weight of a term is 1 + ln of how often it occurs; `vocabulary` is how many terms there are.
    """

    vocabulary: Annotated[int, Ge(1)] = 30_000

    version: ClassVar[int] = 1

    def open(self) -> HashSparseEncoderRuntime:
        """Make the embedder that does the work."""
        return HashSparseEncoderRuntime(self.vocabulary)


class HashSparseEncoderRuntime:
    """The embedder that a `HashSparseEncoder` opens; `embedded` counts the texts it was given."""

    def __init__(self, vocabulary: int) -> None:
        self._vocabulary = vocabulary
        self.identity = f"hash-sparse-encoder-{vocabulary}"
        self.embedded = 0

    def embed_sparse(
        self, texts: Sequence[str], purpose: Purpose = "passage", *, context: Context | None = None
    ) -> list[SparseVector]:
        """One vector per text; passages and queries are treated alike."""
        del purpose
        if context is not None:
            context.check()
        self.embedded += len(texts)
        return [self._vector(each) for each in texts]

    def _vector(self, text: str) -> SparseVector:
        import numpy as np

        counts: Counter[int] = Counter(self._term(each) for each in stems(text))
        terms = sorted(counts)
        weights = [1 + math.log(counts[each]) for each in terms]
        return SparseVector(np.array(terms, np.int32), np.array(weights, np.float32))

    def _term(self, word: str) -> int:
        digest = hashlib.shake_128(word.encode("utf-8", "surrogatepass")).digest(8)
        return int.from_bytes(digest, "big") % self._vocabulary
