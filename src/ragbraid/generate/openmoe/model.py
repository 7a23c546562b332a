"""A decoder with its tokenizer, as generators run it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ragbraid.generate.hf.tokenized import Tokenized
from ragbraid.generate.openmoe.cache import Cache
from ragbraid.generate.openmoe.decoder import Decoder
from ragbraid.generate.openmoe.order import TokenExperts
from ragbraid.generate.openmoe.routing import Load, Routes
from ragbraid.generate.prompting import COMPLETION

if TYPE_CHECKING:
    from torch import Tensor

    from ragbraid.generate.tree_scoring import TreeScorer

Floats = npt.NDArray[np.float32]


class OpenMoeModel(Tokenized):
    """Implements `hf.protocol.Loaded`, and `TreeModel` with a cache of its own.

    Padding isn't routed: it takes nobody's room. Without `drops` each token is computed by all its experts,
    so that an answer doesn't depend on what it is computed with.
    """

    def __init__(self, decoder: Decoder, tokenizer: Any, name: str, *, drops: bool = True) -> None:
        shape = decoder.shape
        super().__init__(
            tokenizer, name, shape.ends, begin=[shape.pad], template=tokenizer.chat_template or COMPLETION
        )
        self.decoder, self._drops = decoder, drops
        self.device = str(decoder.device)
        self.experts = TokenExperts(shape)
        self._cache = self.new_cache()

    @property
    def context_length(self) -> int | None:
        """The tokens that the model was trained for."""
        return self.decoder.shape.context

    @cached_property
    def scorer(self) -> TreeScorer:
        """What scores given texts; each other prompt is computed whole, since its drops depend on that."""
        from ragbraid.generate.tree_scoring import TreeScorer

        return TreeScorer(self, reuse=False)

    def encode_all(self, texts: Sequence[str]) -> list[list[int]]:
        """The ids of texts that go on from another one, where no space is put before the first word."""
        return [self._going_on.encode(each, add_special_tokens=False).ids for each in texts]

    @cached_property
    def _going_on(self) -> Any:
        from tokenizers import Tokenizer, pre_tokenizers

        made = Tokenizer.from_str(self.tokenizer.backend_tokenizer.to_str())
        made.encode_special_tokens = True
        if isinstance(made.pre_tokenizer, pre_tokenizers.Metaspace):
            made.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="never")
        return made

    def new_cache(self) -> Cache:
        """An empty cache of keys and values."""
        return Cache(self.decoder.shape.layers)

    def next(self, ids: Tensor, seen: Tensor, places: Tensor, cache: Cache) -> Floats:
        """Append tokens to the cache; see `RowModel`."""
        routed = seen[:, -ids.shape[1] :].bool()

        def learn(layer: int, routes: Routes) -> None:
            self.experts.learn(layer, ids, routes)

        hidden = self.decoder.forward(
            ids, cache, places=places, keep=seen.bool(), routed=routed, drops=self._drops,
            watch=learn if ids.shape[1] > 1 else None,
        )  # fmt: skip
        found: Floats = self.decoder.head(hidden[:, -1]).cpu().numpy()
        return found

    def load(self, prompts: Sequence[Sequence[int]]) -> Load:
        """Which experts the prompts, given as one batch, choose, and what is dropped."""
        import torch

        width = max(map(len, prompts))
        ids = torch.full((len(prompts), width), self.decoder.shape.pad, device=self.device)
        seen = torch.zeros_like(ids)
        for at, prompt in enumerate(prompts):
            ids[at, width - len(prompt) :] = torch.tensor(prompt)
            seen[at, width - len(prompt) :] = 1
        found = Load.none(len(prompts), self.decoder.shape)
        routed = seen.bool()
        with torch.inference_mode():
            self.decoder.forward(
                ids, self.new_cache(), places=(seen.cumsum(-1) - 1).clamp(min=0), keep=routed, routed=routed,
                drops=self._drops, watch=lambda layer, routes: found.add(layer, routes, routed),
            )  # fmt: skip
        return found

    def cut(self, length: int) -> None:
        """Keep only the first tokens of the cache."""
        self._cache.cut(length)

    def forward(
        self,
        tokens: Sequence[int],
        places: Sequence[int],
        mask: Floats,
        rows: Sequence[int],
        pairs: Sequence[tuple[int, int]],
    ) -> tuple[Floats, Floats]:
        """Append tokens to the cache; see `TreeModel`.

        A prompt is routed as it is when it is answered, all its tokens at once; what is scored behind it as
        when it is said, token by token, which drops nothing.
        """
        import torch

        with torch.inference_mode():
            hidden = self.decoder.forward(
                torch.tensor([list(tokens)], device=self.device), self._cache,
                places=torch.tensor([list(places)], device=self.device),
                mask=torch.from_numpy(mask).to(self.device) == 0, drops=self._drops and not pairs,
            )  # fmt: skip
            logs = torch.log_softmax(self.decoder.head(hidden[0, list(rows)]), -1)
            if not pairs:
                return logs.cpu().numpy(), np.zeros(0, np.float32)
            row, token = torch.tensor(list(zip(*pairs, strict=True)), device=self.device)
            return np.zeros(0, np.float32), logs[row, token].cpu().numpy()
