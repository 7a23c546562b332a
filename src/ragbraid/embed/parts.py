"""Parts of texts by their windows, and their vectors from the window's tokens."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from ragbraid.text.window import part_of

if TYPE_CHECKING:
    from tokenizers import Encoding


class Parts:
    """Texts as `ragbraid.text.window` writes parts; `windows` has each window once."""

    def __init__(self, texts: Sequence[str]) -> None:
        self._places: dict[str, list[tuple[int, int, int]]] = defaultdict(list)
        for at, text in enumerate(texts):
            window, start, end = part_of(text)
            self._places[window].append((at, start, end))
        self.windows = list(self._places)

    def pooled(self, window: str, states: Any, encoding: Encoding, before: int) -> Iterator[tuple[int, Any]]:
        """The position of each part of a window among the texts, and the unit mean of its tokens' states.

        `states` has shape (tokens, dimensions); the window stands behind `before` characters of a prefix.
        """
        import numpy as np

        for at, start, end in self._places[window]:
            whole = (start, end) == (0, len(window))
            own = range(len(encoding.ids)) if whole else _tokens(encoding, before + start, before + end)
            mean = states[list(own)].mean(axis=0)
            yield at, mean / np.linalg.norm(mean)


def _tokens(encoding: Encoding, start: int, end: int) -> Sequence[int]:
    """The tokens that begin between two characters; of white space, which has none, all of them."""
    own = [at for at, (first, last) in enumerate(encoding.offsets) if first < last and start <= first < end]
    return own or range(len(encoding.ids))
