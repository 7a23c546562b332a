"""An embedder of another framework, as a component."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Annotated, Any, ClassVar

from annotated_types import Ge

from ragbraid.bridge.blame import naming
from ragbraid.bridge.parts import part_of
from ragbraid.bridge.protocol import EmbedderPart
from ragbraid.code import Code
from ragbraid.context import Context
from ragbraid.embed.protocol import Purpose
from ragbraid.errors import ModelError
from ragbraid.types import Vectors

_BATCH = 64
_PRIVATE = ("key", "token", "secret", "password", "header", "url", "base")


@dataclass(frozen=True, slots=True)
class ForeignEmbedder:
    """Embeds texts with an embedder of another framework; its vectors are brought to unit length.

    `max_tokens` is how much of a text its model sees; frameworks don't tell, nor do they give their
    tokenizer: a token is counted for each four characters of a word. `identity` is what the index knows the
    model by, by default the class and those of its settings that are plain values; keys are left out.
    """

    object: Code
    max_tokens: Annotated[int, Ge(1)] = field(default=256)
    identity: str | None = None

    blocking: ClassVar[bool] = True

    def open(self) -> EmbedderRuntime:
        """The running embedder. The object is made when it is first needed."""
        return EmbedderRuntime(self.object, self.max_tokens, self.identity)


class EmbedderRuntime:
    """Implements `Embedder` over the part."""

    languages: tuple[str, ...] = ()
    late = False

    def __init__(self, code: Code, max_tokens: int, identity: str | None) -> None:
        self._code = code
        self.max_tokens = max_tokens
        self._identity = identity

    @cached_property
    def _made(self) -> Code:
        with naming(self._code, ModelError):
            return Code(self._code.name, self._code.make())

    @cached_property
    def _part(self) -> EmbedderPart:
        with naming(self._code, ModelError):
            part: EmbedderPart = part_of(self._made)
            return part

    @cached_property
    def identity(self) -> str:
        """As it was set, or of the object's class and plain settings."""
        return self._identity or f"{self._code.name}:{_settings_hash(self._made.value)}"

    @cached_property
    def dimensions(self) -> int:
        """The length of a vector; found out by embedding a word."""
        with naming(self._code, ModelError):
            return len(self._part.embed_query("dimensions"))

    def tokenizer_json(self) -> str:
        """A tokenizer that takes up to four characters of a word for a token."""
        split = {"type": "Split", "pattern": {"Regex": r"\S{1,4}"}, "behavior": "Removed", "invert": True}
        empty = ("truncation", "padding", "normalizer", "post_processor", "decoder")
        model = {"type": "WordLevel", "vocab": {"[UNK]": 0}, "unk_token": "[UNK]"}
        return json.dumps(
            {
                "version": "1.0",
                "added_tokens": [],
                "pre_tokenizer": split,
                "model": model,
                **dict.fromkeys(empty),
            }
        )

    def embed(
        self, texts: Sequence[str], purpose: Purpose = "passage", *, context: Context | None = None
    ) -> Vectors:
        """float32 of shape (len(texts), dimensions), rows of unit length.

        Raises `ModelError` where the part fails, or gives what are no vectors of one length.
        """
        import numpy as np

        rows: list[Any] = []
        for at in range(0, len(texts), _BATCH):
            if context is not None:
                context.check()
            batch = list(texts[at : at + _BATCH])
            with naming(self._code, ModelError):
                if purpose == "query":
                    rows += map(self._part.embed_query, batch)
                else:
                    rows += self._part.embed_passages(batch)
        try:
            vectors = np.asarray(rows, np.float32).reshape(len(texts), -1 if texts else self.dimensions)
        except ValueError as error:
            raise ModelError(
                f"{self._code.name} gave no vectors of one length for {len(texts)} texts."
            ) from error
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        if not np.isfinite(lengths).all() or not lengths.all():
            raise ModelError(f"{self._code.name} gave a vector that is zero, or no vector of numbers.")
        return np.asarray(vectors / lengths, np.float32)


def _settings_hash(made: Any) -> str:
    plain = {
        key: value
        for key, value in sorted(getattr(made, "__dict__", {}).items())
        if (value is None or isinstance(value, str | int | float))
        and not any(each in key.lower() for each in _PRIVATE)
    }
    told = f"{type(made).__module__}.{type(made).__qualname__}{json.dumps(plain)}"
    return hashlib.sha256(told.encode("utf-8", "surrogatepass")).hexdigest()[:16]
