"""Models that read two texts together, as sentence-transformers loads them."""

from __future__ import annotations

import warnings
from typing import Any

from ragbraid.errors import MissingDependency, ModelError
from ragbraid.models.locate import locate
from ragbraid.models.memory import Memory, Need
from ragbraid.models.reasons import reason
from ragbraid.models.sizes import parameters
from ragbraid.models.weights import Weights
from ragbraid.types import ModelName


class PairModel:
    """A cross-encoder (Nogueira and Cho 2019) whose weights load at first use."""

    def __init__(self, name: ModelName, revision: str | None, device: str, idle: float | None = None) -> None:
        self._name, self._revision = name, revision
        self._device = None if device == "auto" else device
        self._weights: Weights[Any] = Weights(name, self._load, need=self._need, idle=idle)

    def loaded(self) -> Any:
        """sentence-transformers' `CrossEncoder`. Raises `ModelError`, and `MissingDependency` without it."""
        with self._weights.use() as model:
            return model

    def take_from(self, memory: Memory) -> None:
        """Load within this budget."""
        self._weights.memory = memory

    def close(self) -> None:
        """Give the weights' memory back."""
        self._weights.close()

    def _need(self) -> Need:
        return Need(4 * parameters(locate(self._name, self._revision)))

    def _load(self) -> Any:
        folder = locate(self._name, self._revision)
        try:
            from sentence_transformers import CrossEncoder
        except ImportError as error:
            raise MissingDependency(
                "A cross-encoder needs sentence-transformers, which isn't installed.",
                "Run `pip install 'ragbraid[local]'`.",
            ) from error
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return CrossEncoder(str(folder), device=self._device, local_files_only=True)
        except Exception as error:
            raise ModelError(f"The cross-encoder in {folder} can't be loaded: {reason(error)}.") from error
