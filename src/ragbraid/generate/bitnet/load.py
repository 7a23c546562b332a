"""BitNet b1.58 by transformers' model, with the ternary layers put in the place of its linear ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeAlias

import torch
from torch import nn

from ragbraid.errors import ModelError
from ragbraid.generate.bitnet.kernel import FOUR
from ragbraid.generate.bitnet.linear import TernaryLinear
from ragbraid.models.config_json import read_config
from ragbraid.models.pickled import unpickled
from ragbraid.models.reasons import reason
from ragbraid.models.tensors import Tensors

Make: TypeAlias = Callable[["Tensors", str, nn.Linear], nn.Module]
"""Makes what stands in the place of a linear layer of this name."""


def load_bitnet(folder: Path, dtype: Any, make: Make) -> Any:
    """transformers' BitNet of a folder, its linear layers made by `make`, but for the last one.

    Raises `ModelError` for another model's folder, and for damaged files.
    """
    model = skeleton(folder)
    tensors = Tensors(unpickled(folder), "cpu", dtype)
    for name, linear in list(linears(model)):
        model.set_submodule(name, make(tensors, name, linear))
    for name, each in list(model.named_parameters()):
        if not each.is_meta:
            continue
        found = tensors.get(name, tuple(each.shape))
        owner, _, attribute = name.rpartition(".")
        setattr(model.get_submodule(owner), attribute, nn.Parameter(found, requires_grad=False))
    if model.config.tie_word_embeddings:
        model.lm_head.weight = model.model.embed_tokens.weight
    model.model.rotary_emb = type(model.model.rotary_emb)(model.config)  # it has no weights to be loaded
    if (folder / "generation_config.json").is_file():
        from transformers import GenerationConfig

        model.generation_config = GenerationConfig.from_pretrained(folder)
    return model.eval()


def skeleton(folder: Path) -> Any:
    """transformers' model of a folder's config.json, without weights. Raises `ModelError`."""
    config = read_bitnet(folder)
    from transformers import BitNetConfig, BitNetForCausalLM

    try:
        settings = BitNetConfig(**{key: each for key, each in config.items() if key != "quantization_config"})
        with torch.device("meta"):
            return BitNetForCausalLM(settings)
    except Exception as error:  # its checks raise whatever they like
        raise ModelError(f"{folder / 'config.json'} can't be used: {reason(error)}.") from error


def read_bitnet(folder: Path) -> dict[str, Any]:
    """A BitNet folder's config.json. Raises `ModelError` for another model's."""
    config = read_config(folder)
    kind = config.get("model_type")
    if kind != "bitnet":
        raise ModelError(
            f"{folder} is a {kind} model, and not BitNet b1.58.", "Take `type: transformers` for it."
        )
    for size in ("vocab_size", "hidden_size"):
        if not isinstance(config.get(size), int):
            raise ModelError(f"{folder / 'config.json'} has no {size}.", "Fetch the model again.")
    return config


def linears(model: nn.Module) -> Iterator[tuple[str, nn.Linear]]:
    """The layers that are ternary: all linear ones but the last."""
    for name, each in model.named_modules():
        if isinstance(each, nn.Linear) and name != "lm_head":
            yield name, each


def packing(folder: Path, *, packed: bool) -> Make:
    """Makes ternary layers of a folder's weights: of packed ones, or of those that were trained."""
    told = read_bitnet(folder).get("quantization_config") or {}
    inverse = told.get("linear_class", "bitlinear") == "bitlinear"
    stored = told.get("quant_method") == "bitnet" and told.get("quantization_mode", "offline") == "offline"

    def make(tensors: Tensors, name: str, linear: nn.Linear) -> nn.Module:
        rows, columns = linear.weight.shape
        if rows % FOUR:
            raise ModelError(f"{name} has {rows} rows, and four of them are packed into one.")
        if not stored:
            trained = tensors.get(f"{name}.weight", (rows, columns))
            return TernaryLinear.of(trained, packed=packed)
        weights = tensors.get(f"{name}.weight", (rows // FOUR, columns), dtype=torch.uint8)
        scale = tensors.get(f"{name}.weight_scale", (1,), dtype=torch.float32)
        return TernaryLinear(weights, 1 / scale if inverse else scale, packed=packed)

    return make


def as_trained(tensors: Tensors, name: str, linear: nn.Linear) -> nn.Module:
    """A linear layer of the weights as they are, with nothing rounded."""
    made = nn.Linear(linear.in_features, linear.out_features, bias=False, device="meta")
    made.weight = nn.Parameter(tensors.get(f"{name}.weight", tuple(linear.weight.shape)), requires_grad=False)
    return made
