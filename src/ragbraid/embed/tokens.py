"""The vectors of a text's tokens, and a bounded store of them: a passage found again isn't encoded again."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ragbraid.types import Vectors

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

_BYTES_BESIDE = 160
"""What a token's id and offsets take as Python objects."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """One text's `TokenVectors`, rounded to half precision."""

    vectors: Vectors
    ids: list[int]
    offsets: list[tuple[int, int]]


class TokenStore:
    """Keeps the most recently used texts' vectors in half precision, within a number of bytes.

    What comes out is the same whether it was kept or not, so answers don't depend on what was asked before.
    """

    def __init__(self, budget: int) -> None:
        self._budget = budget
        self._used = 0
        self._kept: OrderedDict[str, tuple[npt.NDArray[np.float16], Tokens]] = OrderedDict()
        self._lock = threading.Lock()

    def find(self, texts: Iterable[str]) -> dict[str, Tokens]:
        """Those of the texts that are kept, each with what was kept of it."""
        with self._lock:
            kept = {text: self._kept[text] for text in texts if text in self._kept}
            for text in kept:
                self._kept.move_to_end(text)
        return {text: _whole(*each) for text, each in kept.items()}

    def keep(self, made: Mapping[str, Tokens]) -> None:
        """Add texts; the longest unused go where there is no room."""
        import numpy as np

        with self._lock:
            for text, tokens in made.items():
                half = tokens.vectors.astype(np.float16)
                if text not in self._kept:
                    self._used += _size(half)
                    self._kept[text] = half, replace(tokens, vectors=tokens.vectors[:0].copy())
            while self._used > self._budget:
                _, (half, _) = self._kept.popitem(last=False)
                self._used -= _size(half)

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._kept.clear()
            self._used = 0


def _whole(half: npt.NDArray[np.float16], rest: Tokens) -> Tokens:
    import numpy as np

    return replace(rest, vectors=half.astype(np.float32))


def _size(half: npt.NDArray[np.float16]) -> int:
    return half.nbytes + _BYTES_BESIDE * len(half)
