"""A linear layer with ternary weights and 8-bit activations (Ma et al., arXiv 2402.17764, section 2)."""

from __future__ import annotations

from torch import Tensor, nn

from ragbraid.generate.bitnet.kernel import FOUR, multiply, pack, unpack

_LEAST = 1e-5
"""What is divided by at least."""


def ternary(weights: Tensor) -> tuple[Tensor, Tensor]:
    """Weights in {-1, 0, 1} and their scale, by the mean of absolute values: equation (1) to (3)."""
    scale = weights.float().abs().mean().clamp(min=_LEAST)
    return (weights.float() / scale).round().clamp(-1, 1), scale


def in_8_bits(activations: Tensor) -> tuple[Tensor, Tensor]:
    """Whole numbers from -128 to 127, as floats, and each token's factor, by its largest absolute value."""
    wide = activations.float()
    factor = 127 / wide.abs().amax(-1, keepdim=True).clamp(min=_LEAST)
    return (wide * factor).round().clamp(-128, 127), factor


class TernaryLinear(nn.Module):  # type: ignore[misc] # torch is untyped here
    """Packed in two bits a weight, or unpacked in float32: both compute the same, to the last bit.

    All sums are of whole numbers, which float32 holds exactly up to 2^24.
    """

    def __init__(self, weights: Tensor, scale: Tensor, *, packed: bool) -> None:
        super().__init__()
        self.packed = packed
        self.register_buffer("weight", weights if packed else unpack(weights).float())
        self.register_buffer("weight_scale", scale.float().reshape(()))

    @classmethod
    def of(cls, weights: Tensor, *, packed: bool = True) -> TernaryLinear:
        """Of weights as they were trained, rounded to ternary ones."""
        rounded, scale = ternary(weights)
        return cls(pack(rounded), scale, packed=packed)

    @property
    def out_features(self) -> int:
        """Numbers that come out for each token."""
        return len(self.weight) * (FOUR if self.packed else 1)

    def forward(self, activations: Tensor) -> Tensor:
        """The layer's output, of the activations' type."""
        import torch

        numbers, factor = in_8_bits(activations)
        if self.packed:
            flat = numbers.to(torch.int8).reshape(-1, numbers.shape[-1])
            sums = multiply(self.weight, flat).reshape(*numbers.shape[:-1], -1).float()
        else:
            sums = numbers @ self.weight.T
        return (sums * (self.weight_scale / factor)).to(activations.dtype)
