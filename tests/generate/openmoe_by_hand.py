"""OpenMoE's forward pass in numpy, token by token and queue by queue, as slow as it is plain."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.floating[Any]]


def logits_by_hand(
    config: dict[str, Any],
    weights: dict[str, Floats],
    ids: npt.NDArray[np.int64],
    seen: npt.NDArray[np.int64],
) -> Floats:
    rows, length = ids.shape
    tensors = {name: each.astype(np.float64) for name, each in weights.items()}
    hidden = tensors["model.embed_tokens.weight"][ids]
    for layer in range(config["num_hidden_layers"]):
        name = f"model.layers.{layer}"

        def normed(which: str, hidden: Floats = hidden, name: str = name) -> Floats:
            return _norm(hidden, tensors[f"{name}.{which}.weight"], config)

        hidden = hidden + np.stack(
            [
                _attention(row, mask, tensors, f"{name}.self_attn", config)
                for row, mask in zip(normed("input_layernorm"), seen, strict=True)
            ]
        )
        after = _norm(hidden, tensors[f"{name}.post_attention_layernorm.weight"], config)
        if (layer + 1) % config["moe_layer_interval"]:
            hidden = hidden + _mlp(after, tensors, f"{name}.mlp")
            continue
        flat = after.reshape(rows * length, -1)
        hidden = hidden + _experts(flat, tensors, f"{name}.mlp", config).reshape(hidden.shape)
        extra = _norm(hidden, tensors[f"{name}.pre_extra_mlp_layernorm.weight"], config)
        hidden = hidden + _mlp(extra, tensors, f"{name}.extra_mlp")
    return _norm(hidden, tensors["model.norm.weight"], config) @ tensors["lm_head.weight"].T


def _norm(hidden: Floats, weight: Floats, config: dict[str, Any]) -> Floats:
    return weight * hidden / np.sqrt((hidden**2).mean(-1, keepdims=True) + config["rms_norm_eps"])


def _gated(first: Floats, second: Floats, up: Floats) -> Floats:
    return first * (second / (1 + np.exp(-second))) * up


def _mlp(hidden: Floats, tensors: dict[str, Floats], name: str) -> Floats:
    first, second = np.split(hidden @ tensors[f"{name}.gate_proj.weight"].T, 2, -1)
    return (
        _gated(first, second, hidden @ tensors[f"{name}.up_proj.weight"].T)
        @ tensors[f"{name}.down_proj.weight"].T
    )


def _attention(
    hidden: Floats, seen: npt.NDArray[np.int64], tensors: dict[str, Floats], name: str, config: dict[str, Any]
) -> Floats:
    size, heads = config["head_dim"], config["num_attention_heads"]
    query, key, value = (hidden @ tensors[f"{name}.{each}_proj.weight"].T for each in "qkv")
    said = np.zeros_like(query)
    for head in range(heads):
        part = slice(head * size, (head + 1) * size)
        turned_q, turned_k = _turned(query[:, part], config), _turned(key[:, part], config)
        for at in range(len(hidden)):
            visible = [each for each in range(at + 1) if each == 0 or seen[each]]
            scores = np.array([turned_q[at] @ turned_k[each] for each in visible])
            chances = np.exp(scores - scores.max())
            said[at, part] = (chances / chances.sum()) @ value[visible][:, part]
    return said @ tensors[f"{name}.o_proj.weight"].T


def _turned(vectors: Floats, config: dict[str, Any]) -> Floats:
    size = vectors.shape[1]
    turned = np.zeros_like(vectors)
    for at, vector in enumerate(vectors):
        for pair in range(size // 2):
            angle = at / config["rope_theta"] ** (2 * pair / size)
            one, other = vector[pair], vector[pair + size // 2]
            turned[at, pair] = one * math.cos(angle) - other * math.sin(angle)
            turned[at, pair + size // 2] = other * math.cos(angle) + one * math.sin(angle)
    return turned


def _experts(tokens: Floats, tensors: dict[str, Floats], name: str, config: dict[str, Any]) -> Floats:
    count, top_k = config["num_experts"], config["router_topk"]
    room = math.floor(top_k * config["router_capacity_factor_eval"] * len(tokens) / count)
    room = max(config["router_min_capacity"], room + room % 2)
    scores = tokens @ tensors[f"{name}.gate_weight"].T
    chances = np.exp(scores - scores.max(-1, keepdims=True))
    chances /= chances.sum(-1, keepdims=True)
    choices = np.argsort(-chances, -1, kind="stable")[:, :top_k]
    queued, out = [0] * count, np.zeros_like(tokens)
    for turn in range(top_k):
        for at, token in enumerate(tokens):
            expert = choices[at, turn]
            queued[expert] += 1
            if queued[expert] > room:
                continue
            gate, up, back = (
                tensors[f"{name}.experts.{each}"][expert] for each in ("wi_gate", "wi_up", "wo")
            )
            first, second = np.split(token @ gate, 2)
            out[at] += chances[at, expert] * (_gated(first, second, token @ up) @ back)
    return out
