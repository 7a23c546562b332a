"""The `bitnet` generator."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, ClassVar, Literal

from annotated_types import Ge, Gt

from ragbraid.errors import MissingDependency
from ragbraid.generate.hf.protocol import Loaded
from ragbraid.generate.hf.runtime import TorchRuntime
from ragbraid.generate.prompting import Prompts
from ragbraid.models.memory import Need
from ragbraid.models.sizes import parameters
from ragbraid.types import ModelName


@dataclass(frozen=True, slots=True)
class BitNet:
    """Generates text with BitNet b1.58, whose weights are -1, 0 and 1, two bits each in memory.

    The model is a folder or a hub id of the 2B-4T architecture (arXiv 2402.17764, 2504.12285): as it was
    trained, or packed, as published or by `ragbraid models quantize`. Activations are rounded to 8 bits, and
    all that is summed up is whole numbers, so that packed and unpacked weights give the same answer; numba
    makes packed ones fast on a CPU. `packed: false` keeps them in float32, for comparison. `weights` are what
    the rest is computed in; `device` auto takes a GPU where there is one. Up to `parallel` requests of one
    call run side by side, each with `context_tokens`. A base model takes `prompts: completion`. After `idle`
    seconds without a request the weights are put away, and the next request loads them again. `revision` is
    that of a model from the hub.
    """

    blocking: ClassVar[bool] = True

    model: ModelName
    revision: str | None = None
    context_tokens: Annotated[int, Ge(64)] = 4096
    packed: bool = True
    weights: Literal["bf16", "f32"] = "bf16"
    prompts: Prompts = "chat"
    device: Literal["auto", "cpu", "cuda"] = field(default="auto", metadata={"digest": False})
    parallel: Annotated[int, Ge(1)] = field(default=8, metadata={"digest": False})
    idle: Annotated[float, Gt(0)] | None = field(default=None, metadata={"digest": False})

    def open(self) -> BitNetRuntime:
        """The running generator. The weights load at the first request."""
        return BitNetRuntime(self)


class BitNetRuntime(TorchRuntime[BitNet]):
    """The running generator."""

    def _load(self) -> Loaded:
        try:
            import torch

            from ragbraid.generate.bitnet.load import load_bitnet, packing
            from ragbraid.generate.hf.model import TorchModel
            from ragbraid.generate.hf.tokenized import load_tokenizer
        except ImportError as error:
            raise MissingDependency(
                "The bitnet generator needs torch and transformers.", "Run `pip install 'ragbraid[local]'`."
            ) from error
        options, folder = self._options, self._folder()
        dtype = torch.float32 if options.weights == "f32" else torch.bfloat16
        model = load_bitnet(folder, dtype, packing(folder, packed=options.packed))
        tokenizer = load_tokenizer(folder)
        return TorchModel(model, tokenizer, folder.name, self._device, options.prompts)

    def _need(self) -> Need:
        """Linear layers and embeddings: of a published model nearly a quarter is embeddings."""
        from ragbraid.generate.bitnet.load import read_bitnet

        config, size = read_bitnet(self._folder()), 4 if self._options.weights == "f32" else 2
        outside = int(config["vocab_size"]) * int(config["hidden_size"])
        outside *= 1 if config.get("tie_word_embeddings") else 2
        stored = parameters(self._folder())  # of packed layers these are bytes, four weights in each
        packed = (config.get("quantization_config") or {}).get("quantization_mode", "") == "offline"
        linear = max(0, stored - outside) * (4 if packed else 1)
        return Need(
            int(linear * (0.25 if self._options.packed else 4)) + outside * size,
            device=self._device,
        )
