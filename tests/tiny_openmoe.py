"""A small OpenMoE model with random weights: a folder as published, and its tokenizer."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

CONFIG: dict[str, Any] = {
    "architectures": ["OpenMoeForCausalLM"],
    "hidden_size": 32,
    "intermediate_size": 24,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "head_dim": 8,
    "num_experts": 8,
    "moe_layer_interval": 2,
    "router_topk": 2,
    "router_capacity_factor_eval": 2.0,
    "router_min_capacity": 4,
    "rms_norm_eps": 1e-6,
    "rope_theta": 10000.0,
    "pad_token_id": 0,
    "eos_token_id": 1,
    "vocab_size": 320,
}


LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789.,:?"
_FIRST = 261
"""The number of the first letter, after control tokens, bytes, the space and a word."""


def make_openmoe(folder: Path, *, seed: int = 0, **changed: Any) -> Path:
    """Write config.json, model.safetensors and a tokenizer like umT5's: letters, and bytes for the rest."""
    folder.mkdir(parents=True, exist_ok=True)
    config = CONFIG | changed
    (folder / "config.json").write_text(json.dumps(config), "utf-8")
    tensors = random_tensors(config, seed)
    tensors["lm_head.weight"][: _FIRST - 1] = 0  # random bytes would be no text
    tensors["lm_head.weight"][_FIRST + len(LETTERS) :] = 0
    save_file(tensors, folder / "model.safetensors")
    write_tokenizer(folder)
    return folder


def random_tensors(config: dict[str, Any], seed: int = 0) -> dict[str, torch.Tensor]:
    """Weights by the published names, of a size at which neither attention nor routers are flat."""
    draw = torch.Generator().manual_seed(seed)
    hidden, inner, experts = (
        int(config[each]) for each in ("hidden_size", "intermediate_size", "num_experts")
    )
    size, heads = config["head_dim"], config["num_attention_heads"]
    wide, narrow = heads * size, config.get("num_key_value_heads", heads) * size
    found: dict[str, torch.Tensor] = {}

    def matrix(name: str, *size: int, scale: float = 1.0) -> None:
        found[name] = torch.randn(*size, generator=draw) * scale * size[-1] ** -0.5

    def norm(name: str) -> None:
        found[f"{name}.weight"] = torch.rand(hidden, generator=draw) * 0.4 + 0.8

    def mlp(name: str) -> None:
        matrix(f"{name}.gate_proj.weight", 2 * inner, hidden)
        matrix(f"{name}.up_proj.weight", inner, hidden)
        matrix(f"{name}.down_proj.weight", hidden, inner)

    matrix("model.embed_tokens.weight", config["vocab_size"], hidden, scale=hidden**0.5)
    for layer in range(config["num_hidden_layers"]):
        name = f"model.layers.{layer}"
        norm(f"{name}.input_layernorm")
        norm(f"{name}.post_attention_layernorm")
        for each, rows in (("q", wide), ("k", narrow), ("v", narrow)):
            matrix(f"{name}.self_attn.{each}_proj.weight", rows, hidden, scale=0.6)
        matrix(f"{name}.self_attn.o_proj.weight", hidden, wide)
        if (layer + 1) % config["moe_layer_interval"]:
            mlp(f"{name}.mlp")
            continue
        matrix(f"{name}.mlp.gate_weight", experts, hidden, scale=3)
        for each, rows, columns in (
            ("wi_gate", hidden, 2 * inner),
            ("wi_up", hidden, inner),
            ("wo", inner, hidden),
        ):
            matrix(f"{name}.mlp.experts.{each}", experts, rows, columns)
            found[f"{name}.mlp.experts.{each}"] *= (columns / rows) ** 0.5
        norm(f"{name}.pre_extra_mlp_layernorm")
        mlp(f"{name}.extra_mlp")
    norm("model.norm")
    matrix("lm_head.weight", config["vocab_size"], hidden)
    return found


def write_tokenizer(folder: Path) -> None:
    """A sentencepiece-like one: control tokens first, then one token a byte, then letters."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers

    pieces = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", -9.0)]
    pieces += [(f"<0x{byte:02X}>", -12.0) for byte in range(256)]
    pieces += [("▁", -4.0), ("▁Sea", -1.0)]
    pieces += [(each, -4.0) for each in LETTERS]
    tokenizer = Tokenizer(models.Unigram(pieces, unk_id=2, byte_fallback=True))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Sequence([decoders.ByteFallback(), decoders.Metaspace()])
    tokenizer.add_special_tokens(["<pad>", "</s>", "<unk>"])
    tokenizer.save(str(folder / "tokenizer.json"))
    settings = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "pad_token": "<pad>",
        "eos_token": "</s>",
        "unk_token": "<unk>",
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(settings), "utf-8")
