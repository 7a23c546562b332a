"""A causal language model in torch, by transformers: weights, tokenizer, one forward pass."""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from functools import cached_property
from inspect import signature
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from ragbraid.errors import MissingDependency, ModelError
from ragbraid.generate.hf.quietly import quietly
from ragbraid.generate.hf.tokenized import Tokenized
from ragbraid.generate.prompting import COMPLETION, Prompts
from ragbraid.models.pickled import holds_more
from ragbraid.models.reasons import reason

if TYPE_CHECKING:
    from torch import Tensor

    from ragbraid.generate.tree_scoring import TreeScorer

Floats = npt.NDArray[np.float32]
Weights: TypeAlias = Literal["auto", "f32", "bf16", "int8", "int4"]


class TorchModel(Tokenized):
    """Loaded weights and their tokenizer. Implements `Loaded`, and `TreeModel` with its own cache."""

    def __init__(self, model: Any, tokenizer: Any, name: str, device: str, prompts: Prompts = "chat") -> None:
        self.model = model.to(device).eval()
        ends = model.generation_config.eos_token_id
        super().__init__(
            tokenizer,
            name,
            ends if isinstance(ends, list) else [ends],
            template=COMPLETION if prompts == "completion" else None,
        )
        self.device = device
        self._cache: Any = None

    @cached_property
    def scorer(self) -> TreeScorer:
        """What scores given texts by this model; one call of it or of the model at a time."""
        from ragbraid.generate.tree_scoring import TreeScorer

        return TreeScorer(self)

    @property
    def context_length(self) -> int | None:
        """The tokens that the model was trained for."""
        found = getattr(self.model.config, "max_position_embeddings", None)
        return None if found is None else int(found)

    def next(self, ids: Tensor, seen: Tensor, places: Tensor, cache: Any) -> Floats:
        """Append tokens to the cache; see `RowModel`."""
        out = self.model(input_ids=ids, attention_mask=seen, position_ids=places, **self.caching(cache))
        return _array(out.logits[:, -1].float())

    def new_cache(self) -> Any:
        """An empty cache of keys and values."""
        from transformers import DynamicCache

        return DynamicCache(config=self.model.config)

    def caching(self, cache: Any) -> dict[str, Any]:
        """What a forward pass is given so that it reads and extends the cache."""
        return {self._cache_name: cache, "use_cache": True}

    @cached_property
    def _cache_name(self) -> str:
        """Its name, which changed in transformers 5.2x."""
        return "cache" if "cache" in signature(self.model.forward).parameters else "past_key_values"

    def cut(self, length: int) -> None:
        """Keep only the first tokens of the cache."""
        if not length:
            self._cache = None
        elif self._cache is not None and (over := self._cache.get_seq_length() - length) > 0:
            self._cache.crop(-over)

    def forward(
        self,
        tokens: Sequence[int],
        places: Sequence[int],
        mask: Floats,
        rows: Sequence[int],
        pairs: Sequence[tuple[int, int]],
    ) -> tuple[Floats, Floats]:
        """Append tokens to the cache; see `TreeModel`."""
        import torch

        if self._cache is None:
            self._cache = self.new_cache()
        with torch.inference_mode():
            seen = torch.from_numpy(mask).to(self.device, self.model.dtype)
            out = self.model(
                input_ids=self._tensor([list(tokens)]),
                position_ids=self._tensor([list(places)]),
                attention_mask=seen.clamp(min=torch.finfo(self.model.dtype).min),
                **self.caching(self._cache),
            )
            logs = torch.log_softmax(out.logits[0, list(rows)].float(), -1)
            if not pairs:
                return _array(logs), np.zeros(0, np.float32)
            row, token = self._tensor(list(zip(*pairs, strict=True)))
            return np.zeros(0, np.float32), _array(logs[row, token])

    def _tensor(self, values: Any) -> Tensor:
        import torch

        return torch.tensor(values, dtype=torch.long, device=self.device)


def load_model(path: Path, device: str, weights: Weights, prompts: Prompts = "chat") -> TorchModel:
    """transformers' model of a folder or a GGUF file. Raises `ModelError`, and `MissingDependency`."""
    try:
        import torch
        import transformers
    except ImportError as error:
        raise MissingDependency(
            "The transformers generator needs torch and transformers.",
            "Run `pip install 'ragbraid[local]'`.",
        ) from error
    kept: dict[str, Any] = {"local_files_only": True}
    folder = path
    if path.is_file():
        folder, kept["gguf_file"] = path.parent, path.name
    dtype = torch.float32 if weights == "f32" or (weights == "auto" and device == "cpu") else torch.bfloat16
    try:
        with quietly():
            tokenizer = transformers.AutoTokenizer.from_pretrained(folder, **kept)
            model, told = transformers.AutoModelForCausalLM.from_pretrained(
                folder,
                dtype=dtype,
                output_loading_info=True,
                ignore_mismatched_sizes=True,
                **_quantised(weights),
                **kept,
            )
    except MissingDependency:
        raise
    except pickle.UnpicklingError as error:
        raise holds_more(path) from error
    except Exception as error:
        raise ModelError(
            f"transformers can't load {path}: {reason(error)}.", "Name another model, or fetch it again."
        ) from error
    unfit = [*sorted(told["missing_keys"]), *sorted(name for name, *_ in told["mismatched_keys"])]
    if unfit:  # transformers has put random numbers there
        raise ModelError(
            f"The weights of {path} aren't its config.json's: {unfit[0]} is missing or of another size.",
            "Name another model, or fetch it again.",
        )
    return TorchModel(model, tokenizer, path.name, device, prompts)


def _array(tensor: Tensor) -> Floats:
    found: Floats = tensor.cpu().numpy()
    return found


def _quantised(weights: Weights) -> dict[str, Any]:
    """What makes transformers pack the weights while it loads them."""
    if weights not in ("int8", "int4"):
        return {}
    try:
        from torchao.quantization import Int4WeightOnlyConfig, Int8WeightOnlyConfig
        from transformers import TorchAoConfig
    except ImportError as error:
        raise MissingDependency(
            f"`weights: {weights}` needs torchao, which isn't installed.", "Run `pip install torchao`."
        ) from error
    config = Int8WeightOnlyConfig() if weights == "int8" else Int4WeightOnlyConfig(group_size=32)
    return {"quantization_config": TorchAoConfig(config)}
