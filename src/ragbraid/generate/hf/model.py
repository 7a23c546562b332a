"""A causal language model in torch, by transformers: weights, tokenizer, one forward pass."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from contextlib import redirect_stderr
from functools import cached_property
from inspect import signature
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from ragbraid.errors import MissingDependency, ModelError
from ragbraid.generate.ends import ENDS
from ragbraid.generate.hf.constraint import Holder
from ragbraid.generate.prompting import prompt_tokens
from ragbraid.generate.protocol import Constraint
from ragbraid.models.reasons import reason
from ragbraid.types import Message

if TYPE_CHECKING:
    from torch import Tensor

    from ragbraid.generate.tree_scoring import TreeScorer

Floats = npt.NDArray[np.float32]
Weights: TypeAlias = Literal["auto", "f32", "bf16", "int8", "int4"]


class TorchModel:
    """Loaded weights and their tokenizer. Implements `answering.Text`, and `TreeModel` with its own cache."""

    def __init__(self, path: Path, device: str, weights: Weights) -> None:
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
        dtype = (
            torch.float32 if weights == "f32" or (weights == "auto" and device == "cpu") else torch.bfloat16
        )
        try:
            with warnings.catch_warnings(), redirect_stderr(StringIO()):  # its bars know no switch
                warnings.simplefilter("ignore")
                self.tokenizer: Any = transformers.AutoTokenizer.from_pretrained(folder, **kept)
                self.model: Any = transformers.AutoModelForCausalLM.from_pretrained(
                    folder, dtype=dtype, **_quantised(weights), **kept
                )
        except MissingDependency:
            raise
        except Exception as error:
            raise ModelError(
                f"transformers can't load {path}: {reason(error)}.", "Name another model, or fetch it again."
            ) from error
        self.model.to(device).eval()
        self.device, self._name = device, path.name
        self._cache: Any = None
        self.holders: Callable[[Constraint], Holder] | None = None

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

    @cached_property
    def stops(self) -> Sequence[int]:
        """The tokens that end an answer."""
        named = [self.model.generation_config.eos_token_id, self.tokenizer.eos_token_id]
        flat = [each for one in named for each in (one if isinstance(one, list) else [one])]
        known = sorted(number for token, number in self.tokenizer.get_vocab().items() if token in ENDS)
        return tuple(dict.fromkeys(int(each) for each in [*flat, *known] if each is not None))

    def prompt(self, prompt: tuple[Message, ...] | str) -> list[int]:
        """The tokens of a prompt, chat template and beginning of text included."""
        bos, eos = (str(each or "") for each in (self.tokenizer.bos_token, self.tokenizer.eos_token))
        return prompt_tokens(
            prompt,
            lambda piece: self.encode(piece.text, control=piece.control),
            template=self.tokenizer.chat_template,
            bos=bos,
            eos=eos,
            begin=self.tokenizer("")["input_ids"][:1],
            model=self._name,
        )

    def encode(self, text: str, *, control: bool) -> list[int]:
        """Token ids; without `control`, what looks like a control token is plain text."""
        encoded = self.tokenizer(text, add_special_tokens=False, split_special_tokens=not control)
        return [int(each) for each in encoded["input_ids"]]

    def encode_all(self, texts: Sequence[str]) -> list[list[int]]:
        """The ids of many texts without control tokens."""
        return [self.encode(text, control=False) for text in texts]

    def decode(self, tokens: Sequence[int]) -> str:
        """The text of tokens; control tokens have none, and half a character is a replacement sign."""
        return str(
            self.tokenizer.decode(list(tokens), skip_special_tokens=True, clean_up_tokenization_spaces=False)
        )

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
