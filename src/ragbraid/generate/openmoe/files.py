"""Reads an OpenMoE folder: its config.json, and its weights as safetensors."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from ragbraid.errors import MissingDependency, ModelError
from ragbraid.generate.openmoe.pickled import unpickled
from ragbraid.generate.openmoe.shape import Shape, read_shape
from ragbraid.models.reasons import reason

if TYPE_CHECKING:
    from torch import Tensor

    from ragbraid.generate.openmoe.decoder import Decoder, Layer, Mlp
    from ragbraid.generate.openmoe.experts import Expert, Fetch, Store

Keeping: TypeAlias = Literal["device", "cpu", "disk"]
"""Where experts are kept that aren't in use."""

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
    head = (shape.vocabulary, shape.hidden)
    return Decoder(
        shape,
        tensors.get("model.embed_tokens.weight", head),
        [_layer(tensors, shape, number) for number in range(shape.layers)],
        tensors.get("model.norm.weight", (shape.hidden,)),
        tensors.get("lm_head.weight", head),
        Experts(_store(tensors, shape, keep, room), swiglu),
    )


class Tensors:
    """Named tensors of a folder's safetensors files, brought to a device as they are asked for."""

    def __init__(self, folder: Path, device: str, dtype: Any) -> None:
        self.device, self.dtype = device, dtype
        self._folder = folder
        self._files = _index(folder)

    def get(self, name: str, size: Sequence[int], *, device: str | None = None) -> Tensor:
        """A tensor that must have this size. Raises `ModelError`."""
        with self._slice(name, size) as found:
            return self._brought(found[:], device)

    def row(self, name: str, at: int, size: Sequence[int]) -> Tensor:
        """The part of a tensor of this size that is at one place of its first dimension."""
        with self._slice(name, size) as found:
            return self._brought(found[at], None)

    def _brought(self, tensor: Tensor, device: str | None) -> Tensor:
        found: Tensor = tensor.to(device or self.device, self.dtype)
        return found

    @contextmanager
    def _slice(self, name: str, size: Sequence[int]) -> Iterator[Any]:
        from safetensors import SafetensorError, safe_open

        if name not in self._files:
            raise _unfit(self._folder, f"they have no {name}")
        path = self._folder / self._files[name]
        with ExitStack() as stack:
            try:
                found = stack.enter_context(safe_open(path, "pt")).get_slice(name)
            except (OSError, SafetensorError) as error:
                raise ModelError(f"{path} is damaged: {reason(error)}.", "Fetch it again.") from error
            if tuple(found.get_shape()) != tuple(size):
                raise _unfit(self._folder, f"{name} is {tuple(found.get_shape())} and not {tuple(size)}")
            yield found


def _index(folder: Path) -> dict[str, str]:
    """Which file has which tensor. Raises `ModelError` where a file is missing or can't be read."""
    from safetensors import SafetensorError, safe_open

    found: dict[str, str] = {}
    for path in sorted(folder.glob("*.safetensors")):
        try:
            with safe_open(path, "pt") as opened:
                found |= dict.fromkeys(opened.keys(), path.name)
        except (OSError, SafetensorError) as error:
            raise ModelError(f"{path} is damaged: {reason(error)}.", "Fetch it again.") from error
    listed = folder / "model.safetensors.index.json"
    if listed.is_file():
        try:
            wanted = set(json.loads(listed.read_text(encoding="utf-8"))["weight_map"].values())
        except (OSError, ValueError, KeyError, AttributeError) as error:
            raise ModelError(f"{listed} can't be read: {reason(error)}.", "Fetch it again.") from error
        if missing := sorted(each for each in wanted if not (folder / str(each)).is_file()):
            raise ModelError(f"{folder / str(missing[0])} is missing.", "Fetch the model again.")
    if not found:
        raise ModelError(f"There are no weights in {folder}.", "It must hold model.safetensors.")
    return found


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
        torch.cat(
            [
                tensors.get(f"{name}.self_attn.{each}_proj.weight", (size, shape.hidden))
                for each, size in heads
            ]
        ),
        tensors.get(f"{name}.self_attn.o_proj.weight", (shape.hidden, wide)),
        tensors.get(f"{name}.post_attention_layernorm.weight", norm),
        _mlp(tensors, shape, f"{name}.extra_mlp" if moe else f"{name}.mlp"),
        tensors.get(f"{name}.mlp.gate_weight", (shape.experts, shape.hidden)) if moe else None,
        tensors.get(f"{name}.pre_extra_mlp_layernorm.weight", norm) if moe else None,
    )


def _mlp(tensors: Tensors, shape: Shape, name: str) -> Mlp:
    import torch

    from ragbraid.generate.openmoe.decoder import Mlp

    inner, hidden = shape.intermediate, shape.hidden
    gate = tensors.get(f"{name}.gate_proj.weight", (2 * inner, hidden))
    up = tensors.get(f"{name}.up_proj.weight", (inner, hidden))
    return Mlp(torch.cat([gate, up]), tensors.get(f"{name}.down_proj.weight", (hidden, inner)))


def _store(tensors: Tensors, shape: Shape, keep: Keeping, room: int) -> Store:
    from ragbraid.generate.openmoe.experts import Offloaded, Resident

    if keep == "disk":
        return Offloaded(_fetcher(tensors, shape), room)
    device = tensors.device if keep == "device" else "cpu"
    held = [_experts(tensors, shape, layer, device) for layer in shape.moe_layers]
    if keep == "device":
        return Resident(held)

    def bring(layer: int, expert: int) -> Expert:
        inner, outer = held[layer][expert]
        return inner.to(tensors.device), outer.to(tensors.device)

    return Offloaded(bring, room)


def _experts(tensors: Tensors, shape: Shape, layer: int, device: str) -> list[Expert]:
    import torch

    gate, up, outer = (tensors.get(name, size, device=device) for name, size in _sizes(shape, layer).items())
    return list(zip(torch.cat([gate, up], -1), outer, strict=True))


def _fetcher(tensors: Tensors, shape: Shape) -> Fetch:
    """Reads an expert from its file: only its own part of it."""
    import torch

    def read(layer: int, expert: int) -> Expert:
        gate, up, outer = (
            tensors.row(name, expert, size) for name, size in _sizes(shape, shape.moe_layers[layer]).items()
        )
        return torch.cat([gate, up], -1), outer

    return read


def _sizes(shape: Shape, layer: int) -> dict[str, tuple[int, int, int]]:
    """The names of a layer's expert tensors, with their sizes."""
    name, inner, hidden, count = (
        f"model.layers.{layer}.mlp.experts", shape.intermediate, shape.hidden, shape.experts,
    )  # fmt: skip
    sizes = ((count, hidden, 2 * inner), (count, hidden, inner), (count, inner, hidden))
    return {f"{name}.{each}": size for each, size in zip(_MATRICES, sizes, strict=True)}


def _unfit(folder: Path, why: str) -> ModelError:
    return ModelError(f"The weights in {folder} aren't those of its config.json: {why}.", "Fetch it again.")
