"""The `transformers` generator."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from annotated_types import Ge, Gt

from ragbraid.generate.gguf import read
from ragbraid.generate.hf.protocol import Loaded
from ragbraid.generate.hf.runtime import TorchRuntime
from ragbraid.generate.prompting import Prompts
from ragbraid.models.memory import Need
from ragbraid.models.sizes import parameters
from ragbraid.types import ModelName


@dataclass(frozen=True, slots=True)
class Transformers:
    """Generates text with any causal model that transformers knows, in torch.

    The model is a folder with safetensors, a hub id, or a GGUF file of an architecture that transformers
    unpacks. `device` auto takes a GPU where there is one. `weights` auto are float32 on the CPU and bfloat16
    on a GPU; int8 and int4 are packed by torchao while they load, and are approximate. Up to `parallel`
    requests of one call run side by side, each with `context_tokens`. A base model, which knows no chat,
    takes `prompts: completion`: messages become a text that it goes on with. After `idle` seconds without a
    request the weights are put away, and the next request loads them again. `revision` is that of a model
    from the hub: a branch, a tag such as a training step's, or a commit. It is the reference for the other
    engines, and the one for CUDA.
    """

    blocking: ClassVar[bool] = True

    model: ModelName
    revision: str | None = None
    context_tokens: Annotated[int, Ge(64)] = 4096
    weights: Literal["auto", "f32", "bf16", "int8", "int4"] = "auto"
    prompts: Prompts = "chat"
    device: Literal["auto", "cpu", "cuda"] = field(default="auto", metadata={"digest": False})
    parallel: Annotated[int, Ge(1)] = field(default=8, metadata={"digest": False})
    idle: Annotated[float, Gt(0)] | None = field(default=None, metadata={"digest": False})

    def open(self) -> TransformersRuntime:
        """The running generator. The weights load at the first request."""
        return TransformersRuntime(self)


class TransformersRuntime(TorchRuntime[Transformers]):
    """The running generator."""

    def _load(self) -> Loaded:
        from ragbraid.generate.hf.model import load_model

        return load_model(self._path(), self._device, self._options.weights, self._options.prompts)

    def _need(self) -> Need:
        device, weights = self._device, self._options.weights
        size = _BYTES[weights if weights != "auto" else "f32" if device == "cpu" else "bf16"]
        path = self._path()
        count = read(path).parameters if path.is_file() else parameters(path)
        return Need(int(count * size), device=device)

    def _path(self) -> Path:
        path = self._folder()
        files = sorted(path.rglob("*.gguf")) if path.is_dir() else []
        return files[0] if len(files) == 1 and not any(path.glob("*.safetensors")) else path


_BYTES = {"f32": 4.0, "bf16": 2.0, "int8": 1.0, "int4": 0.6}
"""Bytes of a weight, with the scales of its group."""
