"""Reads an OpenMoE folder: its config.json, and its weights as safetensors."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from ragbraid.errors import MissingDependency, ModelError
from ragbraid.generate.openmoe.product import Product, laid_out, product
from ragbraid.generate.openmoe.shape import Shape, read_shape
from ragbraid.models.pickled import unpickled
from ragbraid.models.tensors import Tensors

if TYPE_CHECKING:
    from torch import Tensor

    from ragbraid.generate.openmoe.decoder import Decoder, Layer, Mlp
    from ragbraid.generate.openmoe.experts import Expert, Store

Keeping: TypeAlias = Literal["device", "cpu", "disk"]
"""Where experts are kept that aren't in use."""

Matrices: TypeAlias = "tuple[Tensor, Tensor]"
"""An expert's, to be multiplied from the right: (hidden, 3 · intermediate) and (intermediate, hidden)."""

_MATRICES = ("wi_gate", "wi_up", "wo")


def read_decoder(
    folder: Path, device: str = "cpu", dtype: Any = None, *, keep: Keeping = "device", room: int = 0
) -> Decoder:
    """The decoder in a folder with config.json and safetensors, or pickled shards that are converted once.

    `dtype` is by default float32. Experts are all on the device, or on the CPU or on disk with the `room`
    last used ones on the device. Raises `ModelError` for files that are damaged or another model's.
    """
    try:
        import torch

        from ragbraid.generate.openmoe.decoder import Decoder, swiglu
        from ragbraid.generate.openmoe.experts import Experts
    except ImportError as error:
        raise MissingDependency(
            "The openmoe generator needs torch and safetensors.", "Run `pip install 'ragbraid[local]'`."
        ) from error
    shape = read_shape(folder)
    tensors = Tensors(unpickled(folder), device, dtype or torch.float32)
    if strange := next((each for each in tensors.names if each.endswith(".bias")), None):
        raise ModelError(f"{folder} has a {strange}, and OpenMoE has no biases.", "Name another model.")
    head = (shape.vocabulary, shape.hidden)
    embedding = tensors.get("model.embed_tokens.weight", head)
    tied = shape.tied and "lm_head.weight" not in tensors.names
    return Decoder(
        shape,
        embedding,
        [_layer(tensors, shape, number) for number in range(shape.layers)],
        tensors.get("model.norm.weight", (shape.hidden,)),
        laid_out(embedding if tied else tensors.get("lm_head.weight", head)),
        Experts(_store(tensors, shape, keep, room), swiglu),
    )


def _layer(tensors: Tensors, shape: Shape, number: int) -> Layer:
    import torch

    from ragbraid.generate.openmoe.decoder import Layer

    name = f"model.layers.{number}"
    wide, narrow = shape.heads * shape.head_dim, shape.key_heads * shape.head_dim
    heads = (("q", wide), ("k", narrow), ("v", narrow))
    norm = (shape.hidden,)
    moe = number in shape.moe_layers
    return Layer(
        tensors.get(f"{name}.input_layernorm.weight", norm),
        laid_out(
            torch.cat(
                [
                    tensors.get(f"{name}.self_attn.{each}_proj.weight", (size, shape.hidden))
                    for each, size in heads
                ]
            )
        ),
        laid_out(tensors.get(f"{name}.self_attn.o_proj.weight", (shape.hidden, wide))),
        tensors.get(f"{name}.post_attention_layernorm.weight", norm),
        _mlp(tensors, shape, f"{name}.extra_mlp" if moe else f"{name}.mlp"),
        tensors.get(f"{name}.mlp.gate_weight", (shape.experts, shape.hidden), dtype=torch.float32)
        if moe
        else None,
        tensors.get(f"{name}.pre_extra_mlp_layernorm.weight", norm) if moe else None,
    )


def _mlp(tensors: Tensors, shape: Shape, name: str) -> Mlp:
    import torch

    from ragbraid.generate.openmoe.decoder import Mlp

    inner, hidden = shape.intermediate, shape.hidden
    gate = tensors.get(f"{name}.gate_proj.weight", (2 * inner, hidden))
    up = tensors.get(f"{name}.up_proj.weight", (inner, hidden))
    down = tensors.get(f"{name}.down_proj.weight", (hidden, inner))
    return Mlp(laid_out(torch.cat([gate, up])), laid_out(down))


def _store(tensors: Tensors, shape: Shape, keep: Keeping, room: int) -> Store:
    import torch

    from ragbraid.generate.openmoe.experts import Offloaded, Resident

    def read(layer: int, expert: int, device: str | None = None) -> Matrices:
        """Only its own part of the file."""
        sizes = _sizes(shape, shape.moe_layers[layer])
        gate, up, outer = (tensors.row(name, expert, size, device=device) for name, size in sizes.items())
        return torch.cat([gate, up], -1), outer

    # What comes and goes stays as it lies: laying it out takes longer than the products of a few tokens.
    if keep == "disk":
        return Offloaded(lambda layer, expert: _expert(read(layer, expert), product), room)
    places = [[(layer, expert) for expert in range(shape.experts)] for layer in range(len(shape.moe_layers))]
    if keep == "device":
        return Resident([[_expert(read(*each), laid_out) for each in layer] for layer in places])
    held = [[read(*each, "cpu") for each in layer] for layer in places]

    def bring(layer: int, expert: int) -> Expert:
        inner, outer = (each.to(tensors.device) for each in held[layer][expert])
        return _expert((inner, outer), product)

    return Offloaded(bring, room)


def _expert(matrices: Matrices, made: Callable[[Tensor], Product]) -> Expert:
    inner, outer = matrices
    return made(inner.T), made(outer.T)


def _sizes(shape: Shape, layer: int) -> dict[str, tuple[int, int, int]]:
    """The names of a layer's expert tensors, with their sizes."""
    name, inner, hidden, count = (
        f"model.layers.{layer}.mlp.experts", shape.intermediate, shape.hidden, shape.experts,
    )  # fmt: skip
    sizes = ((count, hidden, 2 * inner), (count, hidden, inner), (count, inner, hidden))
    return {f"{name}.{each}": size for each, size in zip(_MATRICES, sizes, strict=True)}
