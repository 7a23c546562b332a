"""A text's token vectors as they are stored: a byte a number, with a scale for each token.

Symmetric quantisation by the largest number of a vector (Jacob and others, "Quantization and Training of
Neural Networks for Efficient Integer-Arithmetic-Only Inference", CVPR 2018, with a zero point of 0).
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from ragbraid.types import Vectors

if TYPE_CHECKING:
    from ragbraid.embed.protocol import TokenVectors

SCALE = 4
"""Bytes of the scale behind a token's numbers: a little-endian float32."""

Bytes = npt.NDArray[np.int8]


@dataclass(frozen=True, slots=True)
class Packed:
    """A text's tokens: a row of `dimensions + SCALE` bytes each; their ids and offsets; what the text was."""

    rows: Bytes
    layout: bytes
    text: int


@dataclass(slots=True)
class Unpacked:
    """One text's `TokenVectors` as they were stored."""

    vectors: Vectors
    ids: list[int]
    offsets: list[tuple[int, int]]


def packed(text: str, tokens: TokenVectors) -> Packed:
    """The tokens of a text as they are stored."""
    vectors = np.asarray(tokens.vectors, np.float32)
    scale = np.maximum(np.abs(vectors).max(axis=1, initial=0.0), 1e-12)[:, None] / 127
    rows = np.empty((len(vectors), vectors.shape[1] + SCALE), np.int8)
    rows[:, :-SCALE] = np.rint(vectors / scale)
    rows[:, -SCALE:] = scale.astype("<f4").view(np.int8)
    layout = np.zeros((3, len(vectors)), "<i4")
    layout[0] = tokens.ids
    if len(vectors):
        layout[1:] = np.array(tokens.offsets).T
        layout[1:, 1:] = np.diff(layout[1:], axis=1)
    return Packed(rows, zlib.compress(layout.tobytes(), 6), text_sum(text))


def unpacked(rows: Bytes, layout: bytes) -> Unpacked:
    """What `packed` was given, with less precision. Raises `ValueError` for a damaged layout."""
    try:
        ids, *offsets = np.frombuffer(zlib.decompress(layout), "<i4").reshape(3, len(rows))
    except zlib.error as error:
        raise ValueError("the layout of tokens is damaged") from error
    scale = np.ascontiguousarray(rows[:, -SCALE:]).view("<f4")
    vectors: Vectors = rows[:, :-SCALE] * scale
    starts, ends = (each.cumsum().tolist() for each in offsets)
    return Unpacked(vectors, ids.tolist(), list(zip(starts, ends, strict=True)))


def text_sum(text: str) -> int:
    """By which it is told whether tokens are of a text."""
    return zlib.crc32(text.encode("utf-8", "surrogatepass"))
