"""Which experts take which tokens, and what no expert takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from ragbraid.generate.openmoe.shape import Shape

if TYPE_CHECKING:
    from torch import Tensor

Counts = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Routes:
    """What one layer's experts are given, sorted by expert.

    `tokens` and `weights` have one entry for each token that an expert takes; `taken` says how many of them
    each expert has. `chosen` are each token's experts, best first, of shape (tokens, top-k), and `kept`, of
    the same shape, whether the expert had room.
    """

    tokens: Tensor
    weights: Tensor
    taken: list[int]
    chosen: Tensor
    kept: Tensor


def route(logits: Tensor, shape: Shape, routed: Tensor | None, *, drops: bool) -> Routes:
    """Share out tokens by their router's logits, float32 of shape (tokens, experts).

    Softmax in float32 over all experts, whose best `top_k` are the weights as they are, not normalised
    again. All first choices queue before all second ones, each in the order of the tokens; who finds no
    room in an expert isn't computed by it. Only tokens that are `routed` queue, where that is given; room is
    worked out over all of them.
    """
    import torch

    count, top_k = len(logits), shape.top_k
    chances = torch.softmax(logits, -1)
    # Stable, so that of equal chances the first expert is taken, as an argmax takes it.
    best, experts = torch.sort(chances, dim=-1, descending=True, stable=True)
    best, experts = best[:, :top_k], experts[:, :top_k]
    queue = experts.T.reshape(-1)
    if routed is not None:
        queue = torch.where(routed.repeat(top_k), queue, shape.experts)
    order = torch.argsort(queue, stable=True)
    sizes = torch.bincount(queue, minlength=shape.experts + 1)
    places = torch.arange(len(order), device=order.device) - (sizes.cumsum(0) - sizes)[queue[order]]
    room = shape.capacity(count) if drops else len(order)
    fits = (places < room) & (queue[order] < shape.experts)
    taken = order[fits]
    kept = torch.zeros(len(order), dtype=torch.bool, device=order.device)
    kept[taken] = True
    return Routes(
        taken % count,
        best.T.reshape(-1)[taken],
        sizes[: shape.experts].clamp(max=room).tolist(),
        experts,
        kept.reshape(top_k, count).T,
    )


@dataclass(slots=True)
class Load:
    """How many tokens of each row chose each expert, and how many of those it had no room for.

    Both have the shape (rows, layers with experts, experts).
    """

    chosen: Counts
    dropped: Counts

    @classmethod
    def none(cls, rows: int, shape: Shape) -> Load:
        """Of nothing yet."""
        size = (rows, len(shape.moe_layers), shape.experts)
        return cls(np.zeros(size, np.int64), np.zeros(size, np.int64))

    def add(self, layer: int, routes: Routes, routed: Tensor | None) -> None:
        """Count what the layer, the n-th of those with experts, was given: its tokens are rows after rows."""
        rows, _, experts = self.chosen.shape
        chosen = routes.chosen.cpu().numpy().reshape(rows, -1)
        kept = routes.kept.cpu().numpy().reshape(rows, -1)
        counted = np.ones_like(kept)
        if routed is not None:
            tokens = routed.cpu().numpy().reshape(rows, -1)
            counted = np.repeat(tokens, chosen.shape[1] // tokens.shape[1], axis=1)
        for row in range(rows):
            said, lost = chosen[row][counted[row]], chosen[row][counted[row] & ~kept[row]]
            self.chosen[row, layer] += np.bincount(said, minlength=experts)
            self.dropped[row, layer] += np.bincount(lost, minlength=experts)

    @property
    def drop_rate(self) -> float:
        """Which part of all choices was dropped."""
        return float(self.dropped.sum() / max(1, self.chosen.sum()))
