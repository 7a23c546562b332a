"""What a model in torch must do, whoever wrote its forward pass."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from ragbraid.generate.answering import Text
from ragbraid.generate.protocol import Constraint
from ragbraid.types import Message

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from torch import Tensor

    from ragbraid.generate.hf.constraint import Holder
    from ragbraid.generate.tree_scoring import TreeScorer

    Floats = npt.NDArray[np.float32]


class RowModel(Text, Protocol):
    """A model that continues several texts side by side, with a cache of keys and values for them."""

    device: str

    def new_cache(self) -> Any:
        """An empty cache."""
        ...

    def next(self, ids: Tensor, seen: Tensor, places: Tensor, cache: Any) -> Floats:
        """Append tokens to the cache, and tell the logits after the last of each row, (rows, vocabulary).

        `ids` and their `places` in the text are of shape (rows, new). `seen`, (rows, cached + new), is 0
        for what is no text: padding before a row's beginning, and what follows one that has ended.
        """
        ...


class Loaded(RowModel, Protocol):
    """A loaded model with its tokenizer."""

    tokenizer: Any
    holders: Callable[[Constraint], Holder] | None

    @property
    def context_length(self) -> int | None:
        """The tokens that the model was trained for."""
        ...

    @property
    def scorer(self) -> TreeScorer:
        """What scores given texts by this model; one call of it or of the model at a time."""
        ...

    def prompt(self, prompt: tuple[Message, ...] | str) -> list[int]:
        """The tokens of a prompt, chat template and beginning of text included."""
        ...

    def encode_all(self, texts: Sequence[str]) -> list[list[int]]:
        """The ids of many texts without control tokens."""
        ...
