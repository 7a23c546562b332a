"""The BERT encoder (Devlin et al. 2019) in plain torch: what most embedding models are.

transformers computes the same; importing it takes longer than answering a question does, so the usual
case goes without. Covers `bert`, `roberta` and `xlm-roberta` with absolute positions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor

_FAMILIES = ("bert", "roberta", "xlm-roberta", "camembert")
_QKV = ("query", "key", "value")


def covers(config: dict[str, Any]) -> bool:
    """Whether this file computes the model that the configuration tells of."""
    return (
        config.get("model_type") in _FAMILIES
        and config.get("hidden_act") == "gelu"
        and config.get("position_embedding_type", "absolute") == "absolute"
    )


class Bert:
    """An encoder with its weights. Calling it gives the last hidden states."""

    def __init__(self, folder: Path, config: dict[str, Any], device: str) -> None:
        from safetensors.torch import load_file

        loaded = load_file(folder / "model.safetensors", device=device)
        prefix = next(key for key in loaded if key.endswith("embeddings.word_embeddings.weight"))
        prefix = prefix.removesuffix("embeddings.word_embeddings.weight")
        weights = {key.removeprefix(prefix): value.float() for key, value in loaded.items()}
        self._heads = int(config["num_attention_heads"])
        self._eps = float(config["layer_norm_eps"])
        # RoBERTa's real positions begin after the padding's.
        self._first = 0 if config["model_type"] == "bert" else int(config.get("pad_token_id", 1)) + 1
        embeddings = {key: weights[f"embeddings.{key}.weight"] for key in _EMBEDDINGS}
        self._words = embeddings["word_embeddings"]
        self._positions = embeddings["position_embeddings"] + embeddings["token_type_embeddings"][0]
        self._norm = _pair(weights, "embeddings.LayerNorm")
        self._layers = [
            _layer(weights, f"encoder.layer.{number}.") for number in range(int(config["num_hidden_layers"]))
        ]

    def __call__(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Ids of shape (texts, tokens) and a Boolean mask alike → states (texts, tokens, hidden)."""
        from torch.nn import functional as f

        rows, length = ids.shape
        attend = None if bool(mask.all()) else mask[:, None, None, :]
        x = f.embedding(ids, self._words) + self._positions[self._first : self._first + length]
        width = (x.shape[-1],)
        x = f.layer_norm(x, width, *self._norm, self._eps)
        for layer in self._layers:
            qkv = f.linear(x, *layer["qkv"]).view(rows, length, 3, self._heads, -1).permute(2, 0, 3, 1, 4)
            attended = f.scaled_dot_product_attention(qkv[0], qkv[1], qkv[2], attn_mask=attend)
            attended = attended.transpose(1, 2).reshape(rows, length, -1)
            x = f.layer_norm(x + f.linear(attended, *layer["out"]), width, *layer["norm"], self._eps)
            inner = f.gelu(f.linear(x, *layer["up"]))
            x = f.layer_norm(x + f.linear(inner, *layer["down"]), width, *layer["last"], self._eps)
        return x


_EMBEDDINGS = ("word_embeddings", "position_embeddings", "token_type_embeddings")


def _pair(weights: dict[str, Tensor], name: str) -> tuple[Tensor, Tensor]:
    return weights[f"{name}.weight"], weights[f"{name}.bias"]


def _layer(weights: dict[str, Tensor], prefix: str) -> dict[str, tuple[Tensor, Tensor]]:
    import torch

    qkv = [_pair(weights, f"{prefix}attention.self.{each}") for each in _QKV]
    return {
        "qkv": (torch.cat([weight for weight, _ in qkv]), torch.cat([bias for _, bias in qkv])),
        "out": _pair(weights, f"{prefix}attention.output.dense"),
        "norm": _pair(weights, f"{prefix}attention.output.LayerNorm"),
        "up": _pair(weights, f"{prefix}intermediate.dense"),
        "down": _pair(weights, f"{prefix}output.dense"),
        "last": _pair(weights, f"{prefix}output.LayerNorm"),
    }
