"""The BERT encoder of `bert.py` as a graph of OpenVINO: the same weights, the same computation."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ragbraid.embed.model_files import Pooling
from ragbraid.models import openvino as engine

if TYPE_CHECKING:
    import openvino

Array = npt.NDArray[Any]
_EMBEDDINGS = "embeddings.word_embeddings.weight"
_HIDDEN = np.float32(-1e30)


def bert_graph(folder: Path, config: dict[str, Any], pooling: Pooling) -> openvino.Model:
    """Inputs `ids` and `mask`, of shape (texts, tokens); outputs states, and a vector a text.

    The states are of shape (texts, tokens, hidden), the vectors (texts, hidden), neither of unit length.
    Raises `KeyError` for weights that aren't there.
    """
    from safetensors.numpy import load_file

    library = engine.openvino()
    ops = library.opset13
    loaded = load_file(folder / "model.safetensors")
    prefix = next(key for key in loaded if key.endswith(_EMBEDDINGS)).removesuffix(_EMBEDDINGS)
    build = _Builder({key.removeprefix(prefix): value for key, value in loaded.items()}, config)
    ids = ops.parameter([-1, -1], np.int64, name="ids")
    mask = ops.parameter([-1, -1], np.float32, name="mask")
    states = build.encoder(ids, mask)
    vectors = build.first(states) if pooling == "cls" else build.mean(states, mask)
    for each in (ids, mask):
        each.output(0).set_names({each.get_friendly_name()})
    return library.Model([states, vectors], [ids, mask], "bert")


class _Builder:
    def __init__(self, weights: dict[str, Array], config: dict[str, Any]) -> None:
        self._weights = weights
        self._heads = int(config["num_attention_heads"])
        self._layers = int(config["num_hidden_layers"])
        self._eps = float(config["layer_norm_eps"])
        self._pad = 0 if config["model_type"] == "bert" else int(config.get("pad_token_id", 1)) + 1

    def encoder(self, ids: Any, mask: Any) -> Any:
        from openvino import opset13 as ops

        axis = ops.constant(np.int64(0))
        words = ops.gather(self._constant("embeddings.word_embeddings.weight"), ids, axis)
        x = self._norm(ops.add(words, self._positions(ids)), "embeddings.LayerNorm")
        unseen = ops.multiply(ops.subtract(ops.constant(np.float32(1)), mask), ops.constant(_HIDDEN))
        attend = ops.unsqueeze(unseen, ops.constant(np.array([1, 2])))
        for number in range(self._layers):
            x = self._layer(x, attend, f"encoder.layer.{number}")
        return x

    def mean(self, states: Any, mask: Any) -> Any:
        """The mean of the states that the mask leaves."""
        from openvino import opset13 as ops

        tokens, last = ops.constant(np.array([1])), ops.constant(np.int64(-1))
        weights = ops.unsqueeze(mask, last)
        total = ops.reduce_sum(ops.multiply(states, weights), tokens)
        return ops.divide(total, ops.reduce_sum(weights, tokens))

    def first(self, states: Any) -> Any:
        """The first token's state."""
        from openvino import opset13 as ops

        return ops.gather(states, ops.constant(np.int64(0)), ops.constant(np.int64(1)))

    def _positions(self, ids: Any) -> Any:
        """The embeddings of as many places as there are tokens, with that of the one token type."""
        from openvino import opset13 as ops

        table = self._weights["embeddings.position_embeddings.weight"][self._pad :]
        table = table + self._weights["embeddings.token_type_embeddings.weight"][0]
        length = ops.gather(ops.shape_of(ids), ops.constant(np.array([1])), ops.constant(np.int64(0)))
        zero, one = ops.constant(np.array([0])), ops.constant(np.array([1]))
        return ops.slice(ops.constant(table.astype(np.float32)), zero, length, one, zero)

    def _layer(self, x: Any, attend: Any, name: str) -> Any:
        from openvino import opset13 as ops

        query, key, value = (
            self._split(self._linear(x, f"{name}.attention.self.{each}"))
            for each in ("query", "key", "value")
        )
        attended = ops.scaled_dot_product_attention(query, key, value, attend)
        joined = ops.reshape(
            ops.transpose(attended, ops.constant(np.array([0, 2, 1, 3]))),
            ops.constant(np.array([0, 0, -1])),
            True,
        )
        out = self._linear(joined, f"{name}.attention.output.dense")
        x = self._norm(ops.add(x, out), f"{name}.attention.output.LayerNorm")
        inner = ops.gelu(self._linear(x, f"{name}.intermediate.dense"), "ERF")
        return self._norm(ops.add(x, self._linear(inner, f"{name}.output.dense")), f"{name}.output.LayerNorm")

    def _split(self, x: Any) -> Any:
        """(texts, tokens, hidden) → (texts, heads, tokens, hidden / heads)."""
        from openvino import opset13 as ops

        apart = ops.reshape(x, ops.constant(np.array([0, 0, self._heads, -1])), True)
        return ops.transpose(apart, ops.constant(np.array([0, 2, 1, 3])))

    def _linear(self, x: Any, name: str) -> Any:
        from openvino import opset13 as ops

        product = ops.matmul(x, self._constant(f"{name}.weight"), False, True)
        return ops.add(product, self._constant(f"{name}.bias"))

    def _norm(self, x: Any, name: str) -> Any:
        from openvino import opset13 as ops

        normal = ops.mvn(x, ops.constant(np.array([-1])), True, self._eps, "inside_sqrt")
        return ops.add(ops.multiply(normal, self._constant(f"{name}.weight")), self._constant(f"{name}.bias"))

    def _constant(self, name: str) -> Any:
        from openvino import opset13 as ops

        return ops.constant(self._weights[name].astype(np.float32, copy=False))
