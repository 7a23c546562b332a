"""Continuations of one prompt as a tree: what begins alike is computed once.

After SpecInfer's token trees (Miao et al. 2024, section 4), with nothing speculative about it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

_HIDDEN = np.float32(-1e30)


@dataclass(slots=True)
class TokenTree:
    """Nodes as they were added: a token, its parent (-1: the prompt's end), and its depth from 0."""

    tokens: list[int] = field(default_factory=list)
    parents: list[int] = field(default_factory=list)
    depths: list[int] = field(default_factory=list)
    _children: dict[tuple[int, int], int] = field(default_factory=dict)

    def add(self, continuation: Sequence[int]) -> list[int]:
        """The nodes of a continuation, first token first; those that are missing are made."""
        at, path = -1, []
        for depth, token in enumerate(continuation):
            node = self._children.setdefault((at, token), len(self.tokens))
            if node == len(self.tokens):
                self.tokens.append(token)
                self.parents.append(at)
                self.depths.append(depth)
            at = node
            path.append(node)
        return path

    def mask(self, visible: npt.NDArray[np.bool_]) -> npt.NDArray[np.float32]:
        """Shape (1, 1, nodes, cached + nodes): 0 where a node may look, very low elsewhere.

        A node sees what is `visible` of the tokens in the cache, the nodes that lead to it, and itself.
        """
        size, cached = len(self.tokens), len(visible)
        seen = _before(size, visible)
        for node, parent in enumerate(self.parents):
            if parent >= 0:
                seen[node, cached:] = seen[parent, cached:]
            seen[node, cached + node] = 0
        return seen[None, None]


def causal(new: int, visible: npt.NDArray[np.bool_]) -> npt.NDArray[np.float32]:
    """The mask of a plain text: `new` tokens after what is `visible` in the cache, shaped as a tree's."""
    mask = _before(new, visible)
    mask[:, len(visible) :] = np.triu(np.full((new, new), _HIDDEN, np.float32), 1)
    return mask[None, None]


def _before(new: int, visible: npt.NDArray[np.bool_]) -> npt.NDArray[np.float32]:
    mask = np.full((new, len(visible) + new), _HIDDEN, np.float32)
    mask[:, : len(visible)][:, visible] = 0
    return mask
