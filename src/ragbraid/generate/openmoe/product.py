"""Products with weights that lie in the order in which oneDNN computes with them.

In float32 torch calls MKL, which on processors that aren't Intel's reaches a third of what oneDNN does.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from torch import Tensor

Product: TypeAlias = "Callable[[Tensor], Tensor]"
"""Of inputs (…, columns), with the transpose of a weight (rows, columns): outputs (…, rows)."""


def product(weight: Tensor) -> Product:
    """The product with a weight, as it lies."""
    from torch.nn.functional import linear

    return partial(linear, weight=weight)


def laid_out(weight: Tensor) -> Product:
    """The product with a weight, which on a CPU is laid out anew once; then it may be forgotten."""
    import torch

    if not _has_layout(weight):
        return product(weight)
    run, laid = torch.ops.mkldnn._linear_pointwise, torch.ops.mkldnn._reorder_linear_weight(weight)

    def multiply(given: Tensor) -> Tensor:
        found: Tensor = run(given, laid, None, "none", [], "")
        return found

    return multiply


def _has_layout(weight: Tensor) -> bool:
    """These are the operators that torch's own compiler takes; not each build has them."""
    import torch

    if weight.device.type != "cpu" or not torch.backends.mkldnn.is_available():
        return False
    if not hasattr(torch.ops.mkldnn, "_reorder_linear_weight"):
        return False
    if weight.dtype == torch.bfloat16:
        return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())
    return bool(weight.dtype == torch.float32)
