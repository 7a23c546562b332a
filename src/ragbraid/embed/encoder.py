"""Token ids in, states and sentence vectors out: by our own BERT in torch, or by sentence-transformers."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

from ragbraid.embed.bert import Bert, covers
from ragbraid.embed.model_files import ModelFiles, Pooling
from ragbraid.embed.probes import COSINE_LEAST, cosines, probes
from ragbraid.errors import MissingDependency, ModelError
from ragbraid.models.reasons import reason

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from torch import Tensor

    from ragbraid.types import Vectors


class Encoder(Protocol):
    """Encodes one padded batch: ids (texts, tokens) and a Boolean mask alike."""

    def states(self, ids: npt.NDArray[np.int64], mask: npt.NDArray[np.bool_]) -> Vectors:
        """The last hidden states, of shape (texts, tokens, hidden)."""
        ...

    def sentences(self, ids: npt.NDArray[np.int64], mask: npt.NDArray[np.bool_]) -> Vectors:
        """One vector a text, not yet of unit length."""
        ...


class TorchEncoder:
    """Arrays to tensors on the device, and back.

    With `half` products of matrices are computed in bfloat16; sums, norms and pooling stay in float32.
    """

    device: str
    half = False

    def states(self, ids: npt.NDArray[np.int64], mask: npt.NDArray[np.bool_]) -> Vectors:
        """The last hidden states."""
        return self._computed(self._states, ids, mask)

    def sentences(self, ids: npt.NDArray[np.int64], mask: npt.NDArray[np.bool_]) -> Vectors:
        """One vector a text."""
        return self._computed(self._sentences, ids, mask)

    def _states(self, ids: Tensor, mask: Tensor) -> Tensor:
        raise NotImplementedError

    def _sentences(self, ids: Tensor, mask: Tensor) -> Tensor:
        raise NotImplementedError

    def _computed(
        self,
        compute: Callable[[Tensor, Tensor], Tensor],
        ids: npt.NDArray[np.int64],
        mask: npt.NDArray[np.bool_],
    ) -> Vectors:
        import torch

        kind = torch.device(self.device).type
        with torch.inference_mode(), torch.autocast(kind, torch.bfloat16, enabled=self.half):
            tensors = (torch.from_numpy(each).to(self.device) for each in (ids, mask))
            found: Vectors = compute(*tensors).float().cpu().numpy()
        return found


class PlainEncoder(TorchEncoder):
    """A BERT and its pooling, with nothing imported but torch."""

    def __init__(self, files: ModelFiles, pooling: Pooling, device: str) -> None:
        self.device = device
        self._bert = Bert(files.folder, files.config, device)
        self._pooling = pooling

    def _states(self, ids: Tensor, mask: Tensor) -> Tensor:
        return self._bert(ids, mask)

    def _sentences(self, ids: Tensor, mask: Tensor) -> Tensor:
        """The mean of the tokens' states, or the first one's."""
        states = self._bert(ids, mask)
        if self._pooling == "cls":
            return states[:, 0]
        weights = mask.unsqueeze(-1).to(states.dtype)
        return (states * weights).sum(1) / weights.sum(1).clamp(min=1e-9)


class LibraryEncoder(TorchEncoder):
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
        self.device = device

    def _forward(self, ids: Tensor, mask: Tensor) -> dict[str, Any]:
        features: dict[str, Any] = self._model({"input_ids": ids, "attention_mask": mask.long()})
        return features

    def _states(self, ids: Tensor, mask: Tensor) -> Tensor:
        """The tokens' states as the library hands them out."""
        states: Tensor = self._forward(ids, mask)["token_embeddings"]
        return states

    def _sentences(self, ids: Tensor, mask: Tensor) -> Tensor:
        """What the model's own modules make of the batch."""
        vectors: Tensor = self._forward(ids, mask)["sentence_embedding"]
        return vectors


def load(files: ModelFiles, device: str) -> Encoder:
    """The lightest encoder in torch that computes this model; on a GPU in bfloat16, where that is as exact.

    Raises `ModelError` for weights it can't read, and `MissingDependency`.
    """
    try:
        import torch  # noqa: F401
    except ImportError as error:
        raise MissingDependency(
            "Embedding needs torch, which isn't installed.", "Run `pip install 'ragbraid[local]'`."
        ) from error
    encoder = _loaded(files, device)
    if device == "cuda":
        encoder.half = is_as_exact(files, encoder)
    return encoder


def is_as_exact(files: ModelFiles, encoder: TorchEncoder) -> bool:
    """Whether products in bfloat16 give the vectors that those in float32 give, on this device."""
    ids, mask = probes(files)
    kept, found = encoder.half, []
    for encoder.half in (False, True):
        found.append(encoder.sentences(ids, mask))
    encoder.half = kept
    return bool(cosines(found[0], found[1]).min() >= COSINE_LEAST)


def _loaded(files: ModelFiles, device: str) -> TorchEncoder:
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
