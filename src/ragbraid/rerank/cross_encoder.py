"""The `cross-encoder` reranker."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, ClassVar, Literal

from annotated_types import Ge, Gt

from ragbraid.context import Context
from ragbraid.errors import ModelError
from ragbraid.hits import rescored
from ragbraid.models.memory import Memory
from ragbraid.models.pairs import PairModel
from ragbraid.types import Hit, ModelName

_BATCH = 16


@dataclass(frozen=True, slots=True)
class CrossEncoder:
    """Reads the question together with each of the best hits, and orders them by the model's score.

    Nogueira and Cho 2019. The first max(k, `candidates`) hits are scored, the others dropped. `revision` is
    that of a model from the hub; `device` auto takes a GPU where there is one. After `idle` seconds without
    a question the weights are put away, and the next one loads them again.
    """

    blocking: ClassVar[bool] = True

    model: ModelName
    revision: str | None = None
    candidates: Annotated[int, Ge(1)] = 50
    device: Literal["auto", "cpu", "cuda"] = field(default="auto", metadata={"digest": False})
    idle: Annotated[float, Gt(0)] | None = field(default=None, metadata={"digest": False})

    def open(self) -> CrossEncoderRuntime:
        """The running reranker. Its weights load at the first question."""
        return CrossEncoderRuntime(self)


class CrossEncoderRuntime:
    """Implements `Reranker`. Of a pair over the model's limit the longer text is cut at its end."""

    def __init__(self, options: CrossEncoder) -> None:
        self._options = options
        self._model = PairModel(options.model, options.revision, options.device, options.idle)

    def __call__(self, question: str, hits: list[Hit], k: int, context: Context) -> list[Hit]:
        """The scored hits, best first, equal ones in the order they came in. Raises `ModelError`."""
        pool = hits[: max(k, self._options.candidates)]
        if not pool:
            return []
        model = self._model.loaded()
        scores: list[float] = []
        for start in range(0, len(pool), _BATCH):
            context.check()
            pairs = [(question, hit.text) for hit in pool[start : start + _BATCH]]
            found = model.predict(pairs, batch_size=_BATCH, show_progress_bar=False)
            if found.ndim != 1:
                raise ModelError(
                    f"{self._options.model} gives {found.shape[1]} scores a pair, and a reranker has one.",
                    "Name a cross-encoder that was trained to rank.",
                )
            scores += [float(each) for each in found]
        if any(score != score for score in scores):
            raise ModelError(f"{self._options.model} gave scores that aren't numbers.", "Fetch it again.")
        return sorted(rescored(pool, "cross-encoder", scores), key=lambda hit: -hit.score)

    def warm_up(self) -> None:
        """Load the weights now."""
        self._model.loaded()

    def take_from(self, memory: Memory) -> None:
        """Load within this budget."""
        self._model.take_from(memory)

    def close(self) -> None:
        """Give the weights' memory back."""
        self._model.close()
