"""What an OpenMoE checkpoint's config.json says."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ragbraid.errors import ModelError
from ragbraid.models.config_json import read_config

_LATER = {
    "topk": "router_topk",
    "capacity_factor_eval": "router_capacity_factor_eval",
    "min_capacity": "router_min_capacity",
    "drop_tks": "router_drop_tks",
    "layer_norm_epsilon": "rms_norm_eps",
}
"""The first checkpoints' names, and those of the later ones."""


@dataclass(frozen=True, slots=True)
class Shape:
    """The sizes of a decoder, and how its routers share out tokens (Xue et al. 2024, sections 2 and 3)."""

    vocabulary: int
    hidden: int
    intermediate: int
    layers: int
    heads: int
    key_heads: int
    head_dim: int
    experts: int
    interval: int
    top_k: int
    capacity_factor: float
    min_capacity: int
    drops: bool
    epsilon: float
    rope_base: float
    pad: int
    tied: bool
    ends: tuple[int, ...]
    context: int | None

    @property
    def moe_layers(self) -> tuple[int, ...]:
        """The layers with experts, from 0."""
        return tuple(layer for layer in range(self.layers) if (layer + 1) % self.interval == 0)

    @property
    def expert_parameters(self) -> int:
        """The weights of one expert."""
        return 4 * self.hidden * self.intermediate

    @property
    def parameters(self) -> int:
        """All weights, norms left out."""
        attention = self.hidden * self.head_dim * 2 * (self.heads + self.key_heads)
        each = attention + 4 * self.hidden * self.intermediate
        experts = len(self.moe_layers) * self.experts * self.expert_parameters
        return self.layers * each + experts + 2 * self.vocabulary * self.hidden

    def capacity(self, tokens: int) -> int:
        """How many of `tokens` an expert takes; what comes later is dropped."""
        even = math.floor(self.top_k * self.capacity_factor * tokens / self.experts)
        return max(self.min_capacity, even + even % 2)


def read_shape(folder: Path) -> Shape:
    """The shape in a folder's config.json. Raises `ModelError` where it is missing or another model's."""
    path, config = folder / "config.json", read_config(folder)
    try:
        told = {**config, **{later: config[name] for name, later in _LATER.items() if name in config}}
        _demand_openmoe(path, told)
        return _shape(told)
    except KeyError as error:
        raise _other(path, f"it has no {error.args[0]}") from error
    except (ValueError, TypeError) as error:
        raise ModelError(f"{path} can't be used: {error}.", "Fetch the model again.") from error


def _demand_openmoe(path: Path, config: Mapping[str, Any]) -> None:
    named = config.get("architectures") or ["OpenMoeForCausalLM"]
    if "OpenMoeForCausalLM" not in named:
        raise _other(path, f"its architecture is {named[0]}")
    for key in ("num_experts", "moe_layer_interval"):
        config[key]
    if config.get("hidden_act", "swiglu") != "swiglu" or not config.get("mlp_gated", True):
        raise _other(path, "its experts have another activation than a gated SwiGLU")


def _other(path: Path, why: str) -> ModelError:
    return ModelError(
        f"{path} isn't an OpenMoE model's: {why}.", "Take `type: transformers` for other models."
    )


def _shape(config: Mapping[str, Any]) -> Shape:
    heads, end = int(config["num_attention_heads"]), config.get("eos_token_id")
    longest = config.get("max_position_embeddings")
    return Shape(
        vocabulary=int(config["vocab_size"]),
        hidden=int(config["hidden_size"]),
        intermediate=int(config["intermediate_size"]),
        layers=int(config["num_hidden_layers"]),
        heads=heads,
        key_heads=int(config.get("num_key_value_heads") or heads),
        head_dim=int(config["head_dim"]),
        experts=int(config["num_experts"]),
        interval=int(config["moe_layer_interval"]),
        top_k=int(config.get("router_topk", 2)),
        capacity_factor=float(config.get("router_capacity_factor_eval", 2.0)),
        min_capacity=int(config.get("router_min_capacity", 4)),
        drops=bool(config.get("router_drop_tks", True)),
        epsilon=float(config.get("rms_norm_eps", 1e-6)),
        rope_base=float(config.get("rope_theta", 10_000.0)),
        pad=int(config.get("pad_token_id") or 0),
        tied=bool(config.get("tie_word_embeddings", False)),
        ends=tuple(end) if isinstance(end, list) else () if end is None else (int(end),),
        context=None if longest is None else int(longest),
    )
