"""A deterministic embedder without weights: texts that share words are near each other."""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Annotated, ClassVar

from annotated_types import Ge

from ragbraid.context import Context
from ragbraid.embed.protocol import Purpose
from ragbraid.types import Vectors

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

_TOKEN = re.compile(r"\w+|[^\w\s]+")
"""What the `Whitespace` pre-tokenizer of the `tokenizers` library does: the counts agree."""
_SUFFIX = re.compile(r"(?<=\w{3})(?:ing|ed|es|s)$")
_MOST_KNOWN = 200_000


def stem(word: str) -> str:
    """A crude stem, so that `indexes`, `indexed` and `index` are one word."""
    return _SUFFIX.sub("", word.lower())


def stems(text: str) -> list[str]:
    """The stems of a text's words, in order; punctuation is left out."""
    return [stem(each) for each in _TOKEN.findall(text) if each[0].isalnum()]


@dataclass(frozen=True, slots=True)
class HashEmbedder:
    """Embeds texts by the hashes of their words, for tests: no weights, equal on every machine.

    A text's vector, of so many `dimensions`, is the normalised sum of one pseudo-random vector per word
    stem, so the cosine of two texts grows with the words that they share. Text beyond `max_tokens` isn't
    seen.
    """

    dimensions: Annotated[int, Ge(1)] = 64
    max_tokens: Annotated[int, Ge(1)] = 256

    version: ClassVar[int] = 1

    def open(self) -> HashEmbedderRuntime:
        """Make the embedder that does the work."""
        return HashEmbedderRuntime(self.dimensions, self.max_tokens)


@dataclass(slots=True)
class HashTokenVectors:
    """One text's tokens with their vectors, ids and offsets."""

    vectors: Vectors
    ids: list[int]
    offsets: list[tuple[int, int]]


class HashEmbedderRuntime:
    """The embedder that a `HashEmbedder` opens; `calls` and `embedded` count what was asked of it."""

    languages: tuple[str, ...] = ()

    def __init__(self, dimensions: int, max_tokens: int) -> None:
        self.dimensions = dimensions
        self.max_tokens = max_tokens
        self.identity = f"hash-embedder-{dimensions}-{max_tokens}"
        self.calls = 0
        """How often `embed` was called."""
        self.embedded = 0
        """How many texts it was given in all."""
        self._lock = threading.Lock()
        self._table = _TokenTable(dimensions)
        self._vector = lru_cache(maxsize=65_536)(partial(_hash, dimensions=dimensions))

    def tokenizer_json(self) -> str:
        """A tokenizer that takes each word and each run of punctuation for one token."""
        return json.dumps(
            {
                "version": "1.0",
                "truncation": None,
                "padding": None,
                "added_tokens": [],
                "normalizer": None,
                "pre_tokenizer": {"type": "Whitespace"},
                "post_processor": None,
                "decoder": None,
                "model": {"type": "WordLevel", "vocab": {"[UNK]": 0}, "unk_token": "[UNK]"},
            }
        )

    def embed(
        self, texts: Sequence[str], purpose: Purpose = "passage", *, context: Context | None = None
    ) -> Vectors:
        """One unit vector per text; passages and queries are treated alike."""
        import numpy as np

        del purpose
        with self._lock:
            self.calls += 1
            self.embedded += len(texts)
        rows = np.empty((len(texts), self.dimensions), dtype=np.float32)
        for row, text in enumerate(texts):
            if context is not None:
                context.check()
            rows[row] = _unit(self._table.sum(_TOKEN.findall(text)[: self.max_tokens]))
        return rows

    def token_vectors(
        self, texts: Sequence[str], *, context: Context | None = None
    ) -> list[HashTokenVectors]:
        """One entry per text: the vectors of its words and runs of punctuation."""
        if context is not None:
            context.check()
        return [self._tokens(each) for each in texts]

    def close(self) -> None:
        """Forget the cached word vectors."""
        self._vector.cache_clear()
        self._table = _TokenTable(self.dimensions)

    def _tokens(self, text: str) -> HashTokenVectors:
        import numpy as np

        found = list(_TOKEN.finditer(text))[: self.max_tokens]
        words = [stem(each.group()) for each in found]
        vectors = np.array([_unit(self._vector(each)) for each in words], dtype=np.float32)
        return HashTokenVectors(
            vectors=vectors.reshape(len(words), self.dimensions),
            ids=[int.from_bytes(_digest(each, 3), "big") for each in words],
            offsets=[each.span() for each in found],
        )


class _TokenTable:
    """The vectors of tokens as rows of bytes, so that a text's are gathered and summed in two calls.

    Row 0 is zero, and that of all punctuation.
    """

    def __init__(self, dimensions: int) -> None:
        import numpy as np

        self._rows: dict[str, int] = {}
        self._vectors = np.zeros((1024, dimensions), dtype=np.int8)
        self._lock = threading.Lock()

    def sum(self, tokens: list[str]) -> npt.NDArray[np.float32]:
        """The sum of the vectors of a text's words; where it has none, of its punctuation marks."""
        import numpy as np

        with self._lock:
            try:
                rows = np.array([*map(self._rows.__getitem__, tokens)], dtype=np.intp)
            except KeyError:
                self._learn(tokens)
                rows = np.array([*map(self._rows.__getitem__, tokens)], dtype=np.intp)
            words = np.count_nonzero(rows)
            sums = self._vectors.take(rows, axis=0).sum(axis=0, dtype=np.float32)
        if not words:
            marks = [_hash(each, len(sums)) for each in tokens or [""]]
            return np.asarray(np.sum(marks, axis=0), dtype=np.float32)
        return np.asarray(sums + np.float32(words / 2), dtype=np.float32)  # `_hash` adds a half to each

    def _learn(self, tokens: list[str]) -> None:
        import numpy as np

        if len(self._rows) > _MOST_KNOWN:
            self._rows.clear()
        for token in dict.fromkeys(tokens):
            if token in self._rows or not token[0].isalnum():
                self._rows.setdefault(token, 0)
                continue
            row = len(self._rows) + 1
            if row >= len(self._vectors):
                self._vectors = np.concatenate([self._vectors, np.zeros_like(self._vectors)])
            self._vectors[row] = np.frombuffer(_digest(stem(token), self._vectors.shape[1]), dtype=np.int8)
            self._rows[token] = row


def _hash(word: str, dimensions: int) -> npt.NDArray[np.float32]:
    import numpy as np

    return np.frombuffer(_digest(word, dimensions), dtype=np.int8).astype(np.float32) + np.float32(0.5)


def _digest(word: str, size: int) -> bytes:
    return hashlib.shake_128(word.encode("utf-8", "surrogatepass")).digest(size)


def _unit(vector: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    import numpy as np

    length = float(np.linalg.norm(vector))
    if length == 0.0:  # words whose vectors cancel out
        vector, length = np.ones_like(vector), float(vector.size) ** 0.5
    return vector / np.float32(length)
