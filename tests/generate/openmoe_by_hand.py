"""OpenMoE's forward pass in numpy, token by token and queue by queue, as slow as it is plain.

It can be asked to make a mistake that an implementation may make, so that tests show that they would see it.
"""

from __future__ import annotations

import math
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.floating[Any]]
Mistake: TypeAlias = Literal[
    "halves swapped", "attention scaled", "neighbours rotated", "position 0 hidden", "heads take turns",
    "no block after experts", "one norm for both blocks", "weights normalised", "room not even",
    "room rounded up", "room of one choice", "room of one row", "room without padding", "token by token",
    "overflow goes elsewhere", "overflow is zero",
]  # fmt: skip


def logits_by_hand(
    config: dict[str, Any],
    weights: dict[str, Floats],
    ids: npt.NDArray[np.int64],
    seen: npt.NDArray[np.int64],
    mistake: Mistake | None = None,
) -> Floats:
    config = config | {"mistake": mistake}
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
            hidden = hidden + _mlp(after, tensors, f"{name}.mlp", config)
            continue
        if mistake == "room of one row":
            said = np.stack([_experts(row, seen[0], tensors, f"{name}.mlp", config) for row in after])
        else:
            flat = after.reshape(rows * length, -1)
            said = _experts(flat, seen.reshape(-1), tensors, f"{name}.mlp", config).reshape(hidden.shape)
        if mistake == "overflow is zero":
            hidden = np.where(said == 0, 0, hidden)
        hidden = hidden + said
        if mistake == "no block after experts":
            continue
        norm = (
            "post_attention_layernorm" if mistake == "one norm for both blocks" else "pre_extra_mlp_layernorm"
        )
        extra = _norm(hidden, tensors[f"{name}.{norm}.weight"], config)
        hidden = hidden + _mlp(extra, tensors, f"{name}.extra_mlp", config)
    return _norm(hidden, tensors["model.norm.weight"], config) @ tensors["lm_head.weight"].T


def _norm(hidden: Floats, weight: Floats, config: dict[str, Any]) -> Floats:
    return weight * hidden / np.sqrt((hidden**2).mean(-1, keepdims=True) + config["rms_norm_eps"])


def _gated(gate: Floats, up: Floats, config: dict[str, Any]) -> Floats:
    first, second = np.split(gate, 2, -1)
    if config["mistake"] == "halves swapped":
        first, second = second, first
    return first * (second / (1 + np.exp(-second))) * up


def _mlp(hidden: Floats, tensors: dict[str, Floats], name: str, config: dict[str, Any]) -> Floats:
    gate, up, down = (tensors[f"{name}.{each}_proj.weight"].T for each in ("gate", "up", "down"))
    return _gated(hidden @ gate, hidden @ up, config) @ down


def _attention(
    hidden: Floats, seen: npt.NDArray[np.int64], tensors: dict[str, Floats], name: str, config: dict[str, Any]
) -> Floats:
    size, heads = config["head_dim"], config["num_attention_heads"]
    shared = config.get("num_key_value_heads", heads)
    scale = size**-0.5 if config["mistake"] == "attention scaled" else 1.0
    query, key, value = (hidden @ tensors[f"{name}.{each}_proj.weight"].T for each in "qkv")
    said = np.zeros_like(query)
    for head in range(heads):
        of = head % shared if config["mistake"] == "heads take turns" else head // (heads // shared)
        part, read = slice(head * size, (head + 1) * size), slice(of * size, (of + 1) * size)
        turned_q, turned_k = _turned(query[:, part], config), _turned(key[:, read], config)
        for at in range(len(hidden)):
            always = () if config["mistake"] == "position 0 hidden" else (0,)
            visible = [each for each in range(at + 1) if each in always or seen[each]] or [at]
            scores = scale * np.array([turned_q[at] @ turned_k[each] for each in visible])
            chances = np.exp(scores - scores.max())
            said[at, part] = (chances / chances.sum()) @ value[visible][:, read]
    return said @ tensors[f"{name}.o_proj.weight"].T


def _turned(vectors: Floats, config: dict[str, Any]) -> Floats:
    size = vectors.shape[1]
    turned = np.zeros_like(vectors)
    for at, vector in enumerate(vectors):
        for pair in range(size // 2):
            angle = at / config["rope_theta"] ** (2 * pair / size)
            near = config["mistake"] == "neighbours rotated"
            first, second = (2 * pair, 2 * pair + 1) if near else (pair, pair + size // 2)
            one, other = vector[first], vector[second]
            turned[at, first] = one * math.cos(angle) - other * math.sin(angle)
            turned[at, second] = other * math.cos(angle) + one * math.sin(angle)
    return turned


def _room(tokens: int, config: dict[str, Any]) -> int:
    choices = 1 if config["mistake"] == "room of one choice" else config["router_topk"]
    exact = choices * config["router_capacity_factor_eval"] * tokens / config["num_experts"]
    room = math.ceil(exact) if config["mistake"] == "room rounded up" else math.floor(exact)
    if config["mistake"] != "room not even":
        room += room % 2
    return int(max(config["router_min_capacity"], room))


def _experts(
    tokens: Floats,
    seen: npt.NDArray[np.int64],
    tensors: dict[str, Floats],
    name: str,
    config: dict[str, Any],
) -> Floats:
    count, top_k, mistake = config["num_experts"], config["router_topk"], config["mistake"]
    scores = tokens @ tensors[f"{name}.gate_weight"].T
    chances = np.exp(scores - scores.max(-1, keepdims=True))
    chances /= chances.sum(-1, keepdims=True)
    choices = np.argsort(-chances, -1, kind="stable")
    queue = [(turn, at) for turn in range(top_k) for at in range(len(tokens))]
    if mistake == "token by token":
        queue = [(turn, at) for at in range(len(tokens)) for turn in range(top_k)]
    room = _room(len(tokens), config)
    if mistake == "room without padding":
        queue = [(turn, at) for turn, at in queue if seen[at]]
        room = _room(int(seen.sum()), config)
    queued, out = [0] * count, np.zeros_like(tokens)
    for turn, at in queue:
        expert, token = choices[at, turn], tokens[at]
        if mistake == "overflow goes elsewhere":
            expert = next((each for each in choices[at, turn:] if queued[each] < room), expert)
        queued[expert] += 1
        if queued[expert] > room:
            continue
        gate, up, back = (tensors[f"{name}.experts.{each}"][expert] for each in ("wi_gate", "wi_up", "wo"))
        weight = chances[at, expert]
        if mistake == "weights normalised":
            weight /= chances[at, choices[at, :top_k]].sum()
        out[at] += weight * (_gated(token @ gate, token @ up, config) @ back)
    return out
