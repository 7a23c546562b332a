"""Puts a GGUF file's weights into the graph that OpenVINO's importer made of it, exactly.

A block of such a file is an affine map of small integers. The importer keeps the integers and rounds the
zero points to integers as well, which is wrong for every format whose minima aren't multiples of the scale
(Q4_1: 8% off). Here each group's scale and zero point are taken anew from the weights that the `gguf` library
unpacks, whatever the format.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ragbraid.errors import ModelError
from ragbraid.generate.gguf import Gguf

if TYPE_CHECKING:
    import openvino

Array = npt.NDArray[Any]
Floats = npt.NDArray[np.float32]
_CLOSE = 1e-3
"""How far a weight may lie from its group's line, as a share of the largest weight: f16 scales round."""


def make_exact(graph: openvino.Model, gguf_path: Path, header: Gguf) -> None:
    """Replace the scales and zero points of all packed weights of `graph`.

    Raises `ModelError` where a packed weight of the graph is none of the file's.
    """
    from openvino import opset13 as ops

    unplaced = dict(_matrices(gguf_path, header))
    for multiply, packed in _packed_weights(graph):
        integers = _unpacked(packed)
        name = next((each for each, weights in unplaced.items() if _is_of(integers, weights)), None)
        if name is None:
            raise ModelError(f"OpenVINO's importer made a weight that {gguf_path} doesn't have.")
        scales, zeros, _ = _affine(integers, unplaced.pop(name))
        exact = ops.multiply(
            ops.subtract(ops.convert(packed.output(0), "f32"), ops.constant(zeros)), ops.constant(scales)
        )
        flat = ops.reshape(exact, ops.constant(np.array([integers.shape[0], -1], np.int64)), False)
        _replace(multiply, flat)
    graph.validate_nodes_and_infer_types()


def _matrices(path: Path, header: Gguf) -> Iterator[tuple[str, Floats]]:
    """The file's matrices by name, in the order of rows that the graph has."""
    import gguf

    heads = int(header.metadata.get(f"{header.architecture}.attention.head_count", 1))
    key_heads = int(header.metadata.get(f"{header.architecture}.attention.head_count_kv", heads))
    interleaved = header.architecture == "llama"
    for tensor in gguf.GGUFReader(path).tensors:
        if len(tensor.shape) != 2:
            continue
        weights = gguf.quants.dequantize(tensor.data, tensor.tensor_type)
        if interleaved and tensor.name.endswith("attn_q.weight"):
            weights = _halves(weights, heads)
        elif interleaved and tensor.name.endswith("attn_k.weight"):
            weights = _halves(weights, key_heads)
        yield tensor.name, weights


def _halves(weights: Floats, heads: int) -> Floats:
    """Rows from the order of llama.cpp, rotary pairs side by side, to that of two halves a head."""
    rows, columns = weights.shape
    return weights.reshape(heads, rows // heads // 2, 2, columns).swapaxes(1, 2).reshape(rows, columns)


def _packed_weights(graph: openvino.Model) -> Iterator[tuple[Any, Any]]:
    """Each (integers - zero point) * scale of the graph: its product, and the constant of integers."""
    for node in graph.get_ordered_ops():
        inner = node
        for kind in ("Multiply", "Subtract", "Convert"):
            if inner.get_type_name() != kind:
                break
            inner = inner.input_value(0).get_node()
        else:
            if inner.get_type_name() == "Constant":
                yield node, inner


def _unpacked(constant: Any) -> Array:
    """The integers of a constant, of shape (rows, groups, group size)."""
    shape = tuple(constant.get_output_shape(0))
    if constant.get_element_type().get_type_name() != "u4":
        return np.asarray(constant.data).reshape(shape)
    pairs = np.frombuffer(constant.data.tobytes(), np.uint8)
    return np.stack([pairs & 15, pairs >> 4], axis=-1).reshape(shape)


def _is_of(integers: Array, weights: Floats) -> bool:
    """Whether the first row's integers lie on lines through that row's weights."""
    rows, *groups = integers.shape
    if weights.shape != (rows, int(np.prod(groups))):
        return False
    first = weights[:1]
    return _affine(integers[:1], first)[2] <= _CLOSE * float(np.abs(first).max())


def _affine(integers: Array, weights: Floats) -> tuple[Floats, Floats, float]:
    """Each group's scale and zero point, weights = (integers - zero) * scale, and the largest error."""
    q = integers.astype(np.float32)
    w = weights.reshape(q.shape)
    low, high = (pick(q, axis=-1, keepdims=True) for pick in (np.argmin, np.argmax))
    q_low, q_high = np.take_along_axis(q, low, -1), np.take_along_axis(q, high, -1)
    w_low, w_high = np.take_along_axis(w, low, -1), np.take_along_axis(w, high, -1)
    rise, run = w_high - w_low, q_high - q_low
    scales = np.where(rise == 0, 1, rise / np.where(run == 0, 1, run)).astype(np.float32)
    zeros = q_low - w_low / scales
    return scales, zeros, float(np.abs((q - zeros) * scales - w).max())


def _replace(multiply: Any, flat: Any) -> None:
    """Let whoever uses the imported weight, reshaped and converted, use `flat`."""
    node = multiply
    for kind in ("Reshape", "Convert"):
        (target,) = node.output(0).get_target_inputs()
        if target.get_node().get_type_name() != kind:
            break
        node = target.get_node()
    for target in node.output(0).get_target_inputs():
        target.replace_source_output(flat.output(0))
