"""A static embedding model: a table of tokens' vectors, whose mean is a text's. It takes numpy alone."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ragbraid.embed.model_files import ModelFiles
from ragbraid.errors import ModelError
from ragbraid.models.reasons import reason

if TYPE_CHECKING:
    import numpy.typing as npt

    from ragbraid.types import Vectors


class StaticEncoder:
    """Implements `Encoder` for sentence-transformers' `StaticEmbedding`, as model2vec writes it, too."""

    def __init__(self, files: ModelFiles) -> None:
        assert files.static is not None
        self._table = _table(files.static / "model.safetensors")

    def states(self, ids: npt.NDArray[np.int64], mask: npt.NDArray[np.bool_]) -> Vectors:
        """The tokens' vectors, of shape (texts, tokens, dimensions)."""
        found: Vectors = self._table[ids] * mask[:, :, None]
        return found

    def sentences(self, ids: npt.NDArray[np.int64], mask: npt.NDArray[np.bool_]) -> Vectors:
        """The mean of each text's tokens."""
        counts = np.maximum(mask.sum(axis=1, keepdims=True), 1)
        found: Vectors = self.states(ids, mask).sum(axis=1) / counts.astype(np.float32)
        return found


def _table(path: Path) -> Vectors:
    """The vector of each token, of shape (vocabulary, dimensions)."""
    from safetensors.numpy import load_file

    try:
        tensors = load_file(path)
        table = tensors["embedding.weight"] if "embedding.weight" in tensors else tensors["embeddings"]
        # model2vec may keep fewer vectors than there are tokens, and weights beside them.
        if "mapping" in tensors:
            table = table[tensors["mapping"].astype(np.int64)]
        if "weights" in tensors:
            table = table.astype(np.float32) * tensors["weights"].astype(np.float32)[:, None]
    except Exception as error:
        raise ModelError(
            f"The model in {path.parent} can't be loaded: {reason(error)}.",
            "Fetch it again, or name another model.",
        ) from error
    found: Vectors = np.ascontiguousarray(table, np.float32)
    if not np.isfinite(found).all():
        raise ModelError(f"The model in {path.parent} holds what isn't a number.", "Fetch it again.")
    return found
