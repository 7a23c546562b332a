"""OpenMoE's decoder: attention without a scale, SwiGLU, and experts in every n-th layer.

Source: Xue et al., OpenMoE, 2024 (arXiv 2402.01739), and the published checkpoints' own names of tensors.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ragbraid.generate.openmoe.cache import Cache
from ragbraid.generate.openmoe.experts import Experts
from ragbraid.generate.openmoe.product import Product
from ragbraid.generate.openmoe.routing import Routes, route
from ragbraid.generate.openmoe.shape import Shape

if TYPE_CHECKING:
    from torch import Tensor

_SCORES = 2**25
"""Attention's scores that are held at a time, 128 MB of them."""


@dataclass(frozen=True, slots=True)
class Mlp:
    """A gated MLP: `inner` gives the gate's two halves and the linear part, 3 · intermediate numbers."""

    inner: Product
    outer: Product


@dataclass(frozen=True, slots=True)
class Layer:
    """A layer's weights. With experts, `router` is theirs, float32 (experts, hidden); `mlp` comes after."""

    before: Tensor
    qkv: Product
    out: Product
    after: Tensor
    mlp: Mlp
    router: Tensor | None = None
    before_mlp: Tensor | None = None


class Decoder:
    """A decoder's weights on one device, and its forward pass. Not for two threads at once."""

    def __init__(
        self,
        shape: Shape,
        embedding: Tensor,
        layers: Sequence[Layer],
        norm: Tensor,
        head: Product,
        experts: Experts,
    ) -> None:
        self.shape, self.experts = shape, experts
        self._embedding, self._layers, self._norm, self._head = embedding, layers, norm, head

    @property
    def device(self) -> Any:
        """Where it computes."""
        return self._embedding.device

    @property
    def dtype(self) -> Any:
        """What it computes with; routers are float32."""
        return self._embedding.dtype

    def logits(self, input_ids: Any, attention_mask: Any = None) -> Tensor:
        """Logits after each token, float32 of shape (batch, length, vocabulary), on the CPU.

        `input_ids` are of shape (batch, length); every token of the batch queues at the experts, padding
        too, so that a row's logits may depend on the others. A token whose `attention_mask` is 0 is seen by
        no other, unless it is the first of its row: that one is always visible.
        """
        import torch

        with torch.inference_mode():
            ids = torch.as_tensor(input_ids, device=self.device).long()
            keep = None
            if attention_mask is not None:
                keep = torch.as_tensor(attention_mask, device=self.device).bool().clone()
                keep[:, 0] = True
            return self.head(self.forward(ids, Cache(self.shape.layers), keep=keep)).cpu()

    def head(self, hidden: Tensor) -> Tensor:
        """Logits of hidden states, in float32."""
        return self._head(hidden).float()

    def forward(
        self,
        ids: Tensor,
        cache: Cache,
        *,
        places: Tensor | None = None,
        keep: Tensor | None = None,
        mask: Tensor | None = None,
        routed: Tensor | None = None,
        drops: bool = True,
        watch: Callable[[int, Routes], None] | None = None,
    ) -> Tensor:
        """Hidden states of new tokens, (rows, new, hidden), which are added to the cache.

        `places` are their positions in the text, (rows, new); by default they follow the cache. `keep`, of
        shape (rows, cached + new), says which tokens may be seen at all, `mask`, which broadcasts to (rows,
        heads, new, cached + new), takes the place of the causal one. `routed`, (rows, new), are the tokens
        that queue at the experts: by default all. Without `drops` each finds room, as it does when a text
        is said token by token. `watch` is told of each layer with experts what it was given.
        """
        rows, new = ids.shape
        if mask is None:
            mask = _causal(new, cache.length, ids.device)
            if keep is not None:
                mask = mask & keep[:, None, None, :]
            if routed is not None:  # what isn't part of a text sees itself: nothing at all is no number
                mask = mask | _diagonal(new, cache.length, ids.device)
        if places is None:
            places = _following(cache.length, new, ids.device).expand(rows, new)
        waves = _waves(places, self.shape, self.dtype)
        routed = None if routed is None else routed.reshape(-1)
        hidden = self._embedding[ids]
        at = 0
        for number, layer in enumerate(self._layers):
            seen = self._attend(_normed(hidden, layer.before, self.shape), number, waves, mask, cache)
            hidden = hidden + seen
            if layer.router is not None:
                assert layer.before_mlp is not None
                flat = _normed(hidden, layer.after, self.shape).reshape(rows * new, -1)
                routes = route(
                    flat.float() @ layer.router.T, self.shape, routed, drops=drops and self.shape.drops
                )
                if watch is not None:
                    watch(at, routes)
                hidden = hidden + self.experts.compute(at, flat, routes).reshape(hidden.shape)
                hidden = hidden + _mlp(_normed(hidden, layer.before_mlp, self.shape), layer.mlp)
                at += 1
            else:
                hidden = hidden + _mlp(_normed(hidden, layer.after, self.shape), layer.mlp)
        return _normed(hidden, self._norm, self.shape)

    def _attend(
        self, hidden: Tensor, number: int, waves: tuple[Tensor, Tensor], mask: Tensor, cache: Cache
    ) -> Tensor:
        shape, layer = self.shape, self._layers[number]
        rows, new, _ = hidden.shape
        sizes = [each * shape.head_dim for each in (shape.heads, shape.key_heads, shape.key_heads)]
        query, key, value = (
            each.reshape(rows, new, -1, shape.head_dim).transpose(1, 2)
            for each in layer.qkv(hidden).split(sizes, -1)
        )
        # Published code rotates all keys anew at each step; a key's place in the text doesn't change.
        key, value = cache.extend(number, _rotated(key, waves), value)
        if shape.heads != shape.key_heads:
            key, value = (each.repeat_interleave(shape.heads // shape.key_heads, 1) for each in (key, value))
        found = _attended(_rotated(query, waves), key, value, mask)
        return layer.out(found.transpose(1, 2).reshape(rows, new, -1))


def swiglu(inner: Tensor) -> Tensor:
    """a · silu(b) · up, of [a, b, up] side by side in the last dimension."""
    from torch.nn.functional import silu

    first, second, up = inner.chunk(3, -1)
    return silu(second).mul_(first).mul_(up)


def _attended(query: Tensor, key: Tensor, value: Tensor, mask: Tensor) -> Tensor:
    """Attention without a scale: its scores are large, and so is what rounding makes of them.

    They are summed up in the published order, unless they are too many to be held.
    """
    import torch
    from torch.nn.functional import scaled_dot_product_attention

    if query.shape[:3].numel() * key.shape[2] > _SCORES:
        return scaled_dot_product_attention(query, key, value, mask, scale=1.0)
    scores = (query @ key.transpose(2, 3)).masked_fill(~mask, torch.finfo(query.dtype).min)
    found: Tensor = torch.softmax(scores, -1, dtype=torch.float32).to(query.dtype) @ value
    return found


def _mlp(hidden: Tensor, mlp: Mlp) -> Tensor:
    return mlp.outer(swiglu(mlp.inner(hidden)))


def _normed(hidden: Tensor, weight: Tensor, shape: Shape) -> Tensor:
    wide = hidden.float()
    scale = (wide.pow(2).mean(-1, keepdim=True) + shape.epsilon).rsqrt()
    return weight * (wide * scale).to(hidden.dtype)


def _waves(places: Tensor, shape: Shape, dtype: Any) -> tuple[Tensor, Tensor]:
    """Cosine and sine of each place's angles, (rows, 1, new, head_dim), one half as the other."""
    import torch

    steps = torch.arange(0, shape.head_dim, 2, device=places.device, dtype=torch.float32) / shape.head_dim
    angles = places[:, None, :, None].float() * (1.0 / shape.rope_base**steps)
    angles = torch.cat([angles, angles], -1)
    return angles.cos().to(dtype), angles.sin().to(dtype)


def _rotated(heads: Tensor, waves: tuple[Tensor, Tensor]) -> Tensor:
    import torch

    first, second = heads.chunk(2, -1)
    return heads * waves[0] + torch.cat([-second, first], -1) * waves[1]


def _causal(new: int, cached: int, device: Any) -> Tensor:
    import torch

    return torch.ones(new, cached + new, dtype=torch.bool, device=device).tril(cached)


def _diagonal(new: int, cached: int, device: Any) -> Tensor:
    import torch

    return torch.eye(cached + new, dtype=torch.bool, device=device)[cached:]


def _following(cached: int, new: int, device: Any) -> Tensor:
    import torch

    return torch.arange(cached, cached + new, device=device)
