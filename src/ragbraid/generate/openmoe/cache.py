"""Keys and values of the tokens so far."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

_AT_LEAST = 64
"""Tokens for which room is made at a time."""


class Cache:
    """Keys, rotated already, and values: (rows, heads, tokens, head_dim) a layer.

    There is room for more than there are, so that a token's are written and not all copied.
    """

    def __init__(self, layers: int) -> None:
        self._held: list[tuple[Tensor, Tensor] | None] = [None] * layers
        self._lengths = [0] * layers

    @property
    def length(self) -> int:
        """Tokens in it."""
        return self._lengths[0]

    def extend(self, layer: int, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
        """All keys and values of a layer, new ones at the end."""
        begin, end = self._lengths[layer], self._lengths[layer] + key.shape[2]
        held = self._held[layer]
        if held is None or held[0].shape[2] < end:
            room = end + max(_AT_LEAST, end // 4)
            held = (
                _roomy(None if held is None else held[0], key, begin, room),
                _roomy(None if held is None else held[1], value, begin, room),
            )
            self._held[layer] = held
        for all_, new in zip(held, (key, value), strict=True):
            all_[:, :, begin:end] = new
        self._lengths[layer] = end
        return held[0][:, :, :end], held[1][:, :, :end]

    def cut(self, length: int) -> None:
        """Keep only the first tokens."""
        self._lengths = [min(length, each) for each in self._lengths]
        if not length:
            self._held = [None] * len(self._held)


def _roomy(held: Tensor | None, new: Tensor, begin: int, room: int) -> Tensor:
    rows, heads, _, size = new.shape
    made: Tensor = new.new_empty((rows, heads, room, size))
    if held is not None:
        made[:, :, :begin] = held[:, :, :begin]
    return made
