"""Token ids in, states and sentence vectors out: by our own BERT, or by sentence-transformers."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, Protocol

from ragbraid.embed.bert import Bert, covers
from ragbraid.embed.model_files import ModelFiles, Pooling
from ragbraid.errors import MissingDependency, ModelError
from ragbraid.models.reasons import reason

if TYPE_CHECKING:
    from torch import Tensor


class Encoder(Protocol):
    """Encodes one padded batch: ids (texts, tokens) and a Boolean mask alike."""

    def states(self, ids: Tensor, mask: Tensor) -> Tensor:
        """The last hidden states, of shape (texts, tokens, hidden)."""
        ...

    def sentences(self, ids: Tensor, mask: Tensor) -> Tensor:
        """One vector a text, not yet of unit length."""
        ...


class PlainEncoder:
    """A BERT and its pooling, with nothing imported but torch."""

    def __init__(self, files: ModelFiles, pooling: Pooling, device: str) -> None:
        self.states = Bert(files.folder, files.config, device)
        self._pooling = pooling

    def sentences(self, ids: Tensor, mask: Tensor) -> Tensor:
        """The mean of the tokens' states, or the first one's."""
        states = self.states(ids, mask)
        if self._pooling == "cls":
            return states[:, 0]
        weights = mask.unsqueeze(-1).to(states.dtype)
        return (states * weights).sum(1) / weights.sum(1).clamp(min=1e-9)


class LibraryEncoder:
    """Any model that sentence-transformers can load, as the library computes it."""

    def __init__(self, files: ModelFiles, device: str) -> None:
        try:
            from sentence_transformers import SentenceTransformer
        except ImportError as error:
            raise MissingDependency(
                f"The model in {files.folder} needs sentence-transformers, which isn't installed.",
                "Run `pip install 'ragbraid[local]'`.",
            ) from error
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self._model = SentenceTransformer(str(files.folder), device=device, local_files_only=True)
        self._model.eval()

    def _forward(self, ids: Tensor, mask: Tensor) -> dict[str, Any]:
        features: dict[str, Any] = self._model({"input_ids": ids, "attention_mask": mask.long()})
        return features

    def states(self, ids: Tensor, mask: Tensor) -> Tensor:
        """The tokens' states as the library hands them out."""
        states: Tensor = self._forward(ids, mask)["token_embeddings"]
        return states

    def sentences(self, ids: Tensor, mask: Tensor) -> Tensor:
        """What the model's own modules make of the batch."""
        vectors: Tensor = self._forward(ids, mask)["sentence_embedding"]
        return vectors


def load(files: ModelFiles, device: str) -> Encoder:
    """The lightest encoder that computes this model. Raises `ModelError` for weights it can't read."""
    plain = covers(files.config) and (files.folder / "model.safetensors").exists()
    try:
        if plain and files.pooling is not None:
            return PlainEncoder(files, files.pooling, device)
        return LibraryEncoder(files, device)
    except MissingDependency:
        raise
    except Exception as error:
        raise ModelError(
            f"The model in {files.folder} can't be loaded: {reason(error)}.",
            "Fetch it again, or name another model.",
        ) from error
