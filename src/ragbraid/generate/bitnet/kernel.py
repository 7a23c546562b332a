"""Whole numbers times ternary weights that are packed four in a byte.

The packing is that of the published checkpoints: a byte of row r and column c has the weights of rows r,
r + R, r + 2R and r + 3R in that column, where R is a quarter of the rows; each plus one, in two bits, the
first one lowest.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor

FOUR = 4
"""Weights in a byte."""
_FEW = 4
"""Tokens up to which weights are used as they are packed; for more it pays to unpack a matrix once."""


def pack(weights: Tensor) -> Tensor:
    """Ternary weights (rows, columns) as bytes (rows / 4, columns). Rows must be a multiple of four."""
    import torch

    parts = (weights + 1).to(torch.uint8).reshape(FOUR, len(weights) // FOUR, -1)
    found: Tensor = parts[0] | parts[1] << 2 | parts[2] << 4 | parts[3] << 6
    return found


def unpack(packed: Tensor) -> Tensor:
    """The weights of bytes, int8 of shape (rows, columns)."""
    import torch

    return torch.cat([(packed >> 2 * at & 3).to(torch.int8) - 1 for at in range(FOUR)])


def multiply(packed: Tensor, numbers: Tensor) -> Tensor:
    """`numbers`, int8 of (tokens, columns), times the weights: int32 of shape (tokens, rows), exactly."""
    import torch

    if packed.device.type != "cpu" or packed.shape[1] == 1:  # of one column torch's product is wrong
        # float32 holds each of these sums exactly: 2^24 is more than 2^7 times any model's columns.
        return (numbers.float() @ unpack(packed).float().T).to(torch.int32)
    compiled = _compiled()
    if compiled is None or len(numbers) > _FEW:
        found: Tensor = torch._int_mm(numbers, unpack(packed).T)
        return found
    out = torch.empty((len(numbers), FOUR * len(packed)), dtype=torch.int32)
    sums = numbers.sum(-1, dtype=torch.int32)
    compiled(packed.numpy(), numbers.contiguous().numpy(), sums.numpy(), out.numpy(), torch.get_num_threads())
    return out


@cache
def _compiled() -> Callable[[Any, Any, Any, Any, int], None] | None:
    """The loop over bytes as machine code; None without numba, where weights are unpacked at each use."""
    try:
        import numba
    except ImportError:
        return None

    def loop(packed: Any, numbers: Any, sums: Any, out: Any) -> None:
        rows, columns = packed.shape
        for row in numba.prange(rows):
            for token in range(len(numbers)):
                first, second = numba.int32(0), numba.int32(0)
                third, fourth = numba.int32(0), numba.int32(0)
                for column in range(columns):
                    byte, number = packed[row, column], numba.int32(numbers[token, column])
                    first += numba.int32(byte & numba.uint8(3)) * number
                    second += numba.int32((byte >> numba.uint8(2)) & numba.uint8(3)) * number
                    third += numba.int32((byte >> numba.uint8(4)) & numba.uint8(3)) * number
                    fourth += numba.int32(byte >> numba.uint8(6)) * number
                # Each weight is stored plus one.
                out[token, row] = first - sums[token]
                out[token, row + rows] = second - sums[token]
                out[token, row + 2 * rows] = third - sums[token]
                out[token, row + 3 * rows] = fourth - sums[token]

    made = numba.njit(parallel=True, cache=True)(loop)

    def run(packed: Any, numbers: Any, sums: Any, out: Any, threads: int) -> None:
        numba.set_num_threads(min(threads, numba.config.NUMBA_NUM_THREADS))
        made(packed, numbers, sums, out)

    return run
