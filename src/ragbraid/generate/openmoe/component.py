"""The `openmoe` generator."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from annotated_types import Ge, Gt

from ragbraid.context import Context
from ragbraid.errors import RagbraidError
from ragbraid.generate.hf.runtime import TorchRuntime
from ragbraid.generate.openmoe.shape import Shape, read_shape
from ragbraid.generate.protocol import Completion, Request
from ragbraid.models.locate import locate
from ragbraid.models.memory import Need
from ragbraid.types import Message, ModelName

if TYPE_CHECKING:
    from ragbraid.generate.openmoe.decoder import Decoder
    from ragbraid.generate.openmoe.experts import Traffic
    from ragbraid.generate.openmoe.model import OpenMoeModel
    from ragbraid.generate.openmoe.routing import Load

_TOKENIZER = ModelName("google/umt5-small")


@dataclass(frozen=True, slots=True)
class OpenMoe:
    """Generates text with OpenMoE, a decoder with a mixture of experts, in torch.

    It computes what the published code does (Xue et al. 2024, arXiv 2402.01739). The model is a folder or a
    hub id; published .bin files are read as plain tensors and converted to safetensors once. A folder without
    tokenizer files takes umT5's, from `tokenizer`. `device` auto takes a GPU where there is one; `weights`
    auto are float32 on the CPU and bfloat16 on a GPU. `experts` says where they are kept: all on the device,
    or on the CPU or on disk, with the `experts_held` last used ones on the device. Up to `parallel` requests
    of one call run side by side, each with `context_tokens`, put together so that experts have room for their
    tokens. What an expert has no room for is dropped, as in training, so that an answer may depend on those
    beside it; with `drop_tokens: false` it doesn't. After `idle` seconds without a request the weights are
    put away, and the next request loads them again. `revision` is that of a model from the hub.
    """

    blocking: ClassVar[bool] = True

    model: ModelName
    revision: str | None = None
    tokenizer: ModelName = _TOKENIZER
    context_tokens: Annotated[int, Ge(64)] = 2048
    weights: Literal["auto", "f32", "bf16"] = "auto"
    drop_tokens: bool = True
    experts: Literal["device", "cpu", "disk"] = field(default="device", metadata={"digest": False})
    experts_held: Annotated[int, Ge(1)] = field(default=16, metadata={"digest": False})
    device: Literal["auto", "cpu", "cuda"] = field(default="auto", metadata={"digest": False})
    parallel: Annotated[int, Ge(1)] = field(default=8, metadata={"digest": False})
    idle: Annotated[float, Gt(0)] | None = field(default=None, metadata={"digest": False})

    @staticmethod
    def from_folder(path: str | Path) -> Decoder:
        """The decoder alone, in float32 on the CPU, of a folder with config.json and model.safetensors.

        Raises `ModelError` for files that are damaged or another model's.
        """
        from ragbraid.generate.openmoe.files import read_decoder

        return read_decoder(Path(path))

    def open(self) -> OpenMoeRuntime:
        """The running generator. The weights load at the first request."""
        return OpenMoeRuntime(self)


class OpenMoeRuntime(TorchRuntime[OpenMoe]):
    """The running generator."""

    @property
    def traffic(self) -> Traffic | None:
        """What keeping experts elsewhere has cost since loading; None where all are on the device."""
        return self._loaded().decoder.experts.store.traffic

    def load(self, prompts: Sequence[tuple[Message, ...] | str]) -> Load:
        """Which experts the prompts choose as one batch, and what these drop; a row for each prompt."""
        with self._turns.taken():
            model = self._loaded()
            return model.load([model.prompt(each) for each in prompts])

    def generate(
        self, requests: Sequence[Request], *, context: Context | None = None
    ) -> list[Completion | Exception]:
        """Each request's completion or its own error; `parallel` of them at once, put together by experts."""
        if len(requests) <= self._options.parallel:
            return super().generate(requests, context=context)
        order = [at for batch in self._batches(requests) for at in batch]
        found = super().generate([requests[at] for at in order], context=context)
        placed = dict(zip(order, found, strict=True))
        return [placed[at] for at in range(len(requests))]

    def _batches(self, requests: Sequence[Request]) -> list[list[int]]:
        from ragbraid.generate.openmoe.order import batches

        model = self._loaded()
        prompts = []
        for each in requests:
            try:
                prompts.append(model.prompt(each.prompt))
            except RagbraidError:  # told in its place, when it is its turn
                prompts.append([])
        return batches(prompts, self._options.parallel, model.experts, model.decoder.shape)

    def _loaded(self) -> OpenMoeModel:
        from ragbraid.generate.openmoe.model import OpenMoeModel

        with self._weights.use() as model:
            assert isinstance(model, OpenMoeModel)
            return model

    def _load(self) -> OpenMoeModel:
        import torch

        from ragbraid.generate.hf.tokenized import load_tokenizer
        from ragbraid.generate.openmoe.files import read_decoder
        from ragbraid.generate.openmoe.model import OpenMoeModel

        options, folder = self._options, self._folder()
        dtype = torch.float32 if self._bytes() == 4 else torch.bfloat16
        decoder = read_decoder(folder, self._device, dtype, keep=options.experts, room=options.experts_held)
        own = any((folder / name).is_file() for name in ("tokenizer.json", "spiece.model"))
        tokenizer = load_tokenizer(folder if own else locate(options.tokenizer))
        return OpenMoeModel(decoder, tokenizer, folder.name, drops=options.drop_tokens)

    def _bytes(self) -> int:
        wanted = self._options.weights
        return 4 if wanted == "f32" or (wanted == "auto" and self._device == "cpu") else 2

    def _need(self) -> Need:
        device, shape = self._device, read_shape(self._folder())
        elsewhere = self._options.experts == "disk" or (self._options.experts == "cpu" and device != "cpu")
        count = (
            shape.parameters - _left_out(shape, self._options.experts_held) if elsewhere else shape.parameters
        )
        return Need(
            count * self._bytes(),
            device=device,
            hint=""
            if elsewhere
            else f"Set `experts: disk` with experts_held below "
            f"{shape.experts * len(shape.moe_layers)}, the number of all experts.",
        )


def _left_out(shape: Shape, held: int) -> int:
    """The weights of the experts that aren't on the device."""
    return max(0, shape.experts * len(shape.moe_layers) - held) * shape.expert_parameters
