"""The contract of an embedder: texts in, unit vectors out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

from ragbraid.context import Context
from ragbraid.types import Vectors

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

Purpose = Literal["passage", "query"]
"""What a text is embedded as; models that want a prefix for either add it themselves."""


class Embedder(Protocol):
    """Turns texts into vectors. Weights load at the first `embed`, never before."""

    @property
    def identity(self) -> str:
        """The model's name and fingerprint: equal identities give equal vectors."""
        ...

    @property
    def dimensions(self) -> int: ...

    @property
    def languages(self) -> tuple[str, ...]:
        """ISO 639-1 codes of what it is made for; empty, or left out, where that isn't known or is all."""
        ...

    @property
    def max_tokens(self) -> int:
        """The most tokens of a text that the model sees, without its special tokens."""
        ...

    @property
    def late(self) -> bool:
        """Whether it embeds a part of a text (`ragbraid.text.window`) with what stands around it in view;
        False, or left out, where each text stands for itself."""
        ...

    def tokenizer_json(self) -> str:
        """The model's tokenizer as the `tokenizers` library writes it, without truncation or padding."""
        ...

    def embed(
        self, texts: Sequence[str], purpose: Purpose = "passage", *, context: Context | None = None
    ) -> Vectors:
        """float32 of shape (len(texts), dimensions), rows of unit length, in the order of `texts`."""
        ...


class TokenEmbedder(Embedder, Protocol):
    """An embedder that also gives a vector for each token, as late interaction wants."""

    def token_vectors(self, texts: Sequence[str], *, context: Context | None = None) -> list[TokenVectors]:
        """One entry per text; special tokens are left out."""
        ...


class TokenVectors(Protocol):
    """A text's tokens: `vectors` of shape (tokens, dimensions), unit rows, `ids` and `offsets` beside."""

    vectors: Vectors
    ids: list[int]
    offsets: list[tuple[int, int]]
    """Each token's start and end in characters of the text."""


@dataclass(frozen=True, slots=True, eq=False)
class SparseVector:
    """A text's weights over a vocabulary: those that aren't zero, beside the numbers of their terms."""

    terms: npt.NDArray[np.int32]
    """Each once, in ascending order."""
    weights: npt.NDArray[np.float32]


class SparseEmbedder(Protocol):
    """Turns texts into sparse vectors, whose inner product says how near a passage is to a question."""

    @property
    def identity(self) -> str:
        """The model's name and fingerprint: equal identities give equal vectors."""
        ...

    def embed_sparse(
        self, texts: Sequence[str], purpose: Purpose = "passage", *, context: Context | None = None
    ) -> list[SparseVector]:
        """One vector per text, in the order of `texts`."""
        ...
