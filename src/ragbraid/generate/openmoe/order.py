"""Which prompts go together, so that experts drop less.

OpenMoE's routers go by the token far more than by its context (Xue et al. 2024, section 4.1), so where a
prompt's tokens will go can be told from where they went before. An expert's room grows with a batch, and a
batch of one topic crowds the same experts: prompts that want different ones go together.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from ragbraid.generate.openmoe.shape import Shape

if TYPE_CHECKING:
    from torch import Tensor

    from ragbraid.generate.openmoe.routing import Routes


class TokenExperts:
    """The experts that each token of the vocabulary chose when it was last seen, in each layer of them."""

    def __init__(self, shape: Shape) -> None:
        self._shape = shape
        size = (shape.vocabulary, len(shape.moe_layers), shape.top_k)
        self._chosen = np.full(size, -1, np.int16)

    def learn(self, layer: int, tokens: Tensor, routes: Routes) -> None:
        """Remember what tokens, given flat, chose in a layer."""
        self._chosen[tokens.reshape(-1).cpu().numpy(), layer] = routes.chosen.cpu().numpy()

    def load(self, prompt: Sequence[int]) -> npt.NDArray[np.int64]:
        """How many of a prompt's tokens will choose each expert, (layers with experts, experts).

        Tokens that were never seen count nowhere.
        """
        chosen = self._chosen[np.asarray(prompt, np.int64)]
        counts = np.zeros((chosen.shape[1], self._shape.experts), np.int64)
        for layer in range(chosen.shape[1]):
            known = chosen[:, layer][chosen[:, layer] >= 0]
            counts[layer] = np.bincount(known, minlength=self._shape.experts)
        return counts


def batches(
    prompts: Sequence[Sequence[int]], size: int, experts: TokenExperts, shape: Shape
) -> list[list[int]]:
    """The prompts' numbers in batches of at most `size`, all of them full but one.

    Longest first, each prompt joins the batch in which it adds the least to what will overflow, and of those
    alike the emptiest. Batches and what is in them stay in the order of the prompts.
    """
    count = -(-len(prompts) // size)
    if count < 2:
        return [list(range(len(prompts)))] if prompts else []
    loads = [experts.load(each) for each in prompts]
    held: list[list[int]] = [[] for _ in range(count)]
    total = np.zeros((count, *loads[0].shape), np.int64)
    tokens = [0] * count
    spare = count * size - len(prompts)
    for at in sorted(range(len(prompts)), key=lambda each: -len(prompts[each])):
        costs = []
        for batch in range(count):
            if len(held[batch]) == size or (batch == count - 1 and len(held[batch]) == size - spare):
                continue
            before = _overflow(total[batch], shape.capacity(tokens[batch]))
            after = _overflow(total[batch] + loads[at], shape.capacity(tokens[batch] + len(prompts[at])))
            costs.append((after - before, tokens[batch], batch))
        *_, chosen = min(costs)
        held[chosen].append(at)
        total[chosen] += loads[at]
        tokens[chosen] += len(prompts[at])
    return sorted(sorted(each) for each in held)


def _overflow(load: npt.NDArray[np.int64], room: int) -> int:
    return int(np.maximum(load - room, 0).sum())
