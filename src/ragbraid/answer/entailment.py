"""The `entailment` model: whether one text follows from another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from ragbraid.context import Context
from ragbraid.errors import ModelError
from ragbraid.models.memory import Memory
from ragbraid.models.pairs import PairModel
from ragbraid.types import ModelName

_LABEL = "entailment"
_BATCH = 16


@dataclass(frozen=True, slots=True)
class Entailment:
    """Tells by a cross-encoder for natural language inference whether a sentence follows from a passage.

    Bowman et al. 2015. The `model` has a label called entailment, as those trained on SNLI or MultiNLI do;
    `revision` is that of a model from the hub; `device` auto takes a GPU where there is one.
    """

    blocking: ClassVar[bool] = True

    model: ModelName
    revision: str | None = None
    device: Literal["auto", "cpu", "cuda"] = field(default="auto", metadata={"digest": False})

    def open(self) -> EntailmentRuntime:
        """The running model. Its weights load at the first sentence."""
        return EntailmentRuntime(self)


class EntailmentRuntime:
    """Implements `Entailer`. Of a pair over the model's limit the longer text is cut at its end."""

    def __init__(self, options: Entailment) -> None:
        self._options = options
        self._model = PairModel(options.model, options.revision, options.device)

    def entailed(self, pairs: Sequence[tuple[str, str]], *, context: Context | None = None) -> list[float]:
        """For each pair of a premise and a sentence, the probability that the one follows from the other.

        Raises `ModelError` for a model without such a label.
        """
        if not pairs:
            return []
        model = self._model.loaded()
        place = self._place(model)
        found: list[float] = []
        for start in range(0, len(pairs), _BATCH):
            if context is not None:
                context.check()
            batch = list(pairs[start : start + _BATCH])
            rows = model.predict(batch, batch_size=_BATCH, apply_softmax=True, show_progress_bar=False)
            found += [float(row[place]) for row in rows]
        if any(each != each for each in found):
            raise ModelError(f"{self._options.model} gave scores that aren't numbers.", "Fetch it again.")
        return found

    def warm_up(self) -> None:
        """Load the weights now."""
        self._place(self._model.loaded())

    def take_from(self, memory: Memory) -> None:
        """Load within this budget."""
        self._model.take_from(memory)

    def close(self) -> None:
        """Give the weights' memory back."""
        self._model.close()

    def _place(self, model: Any) -> int:
        labels = {int(at): str(name).lower() for at, name in (model.config.id2label or {}).items()}
        found = [at for at, name in labels.items() if name == _LABEL]
        if len(found) != 1:
            raise ModelError(
                f"{self._options.model} has no label called {_LABEL}: it has {', '.join(labels.values())}.",
                "Name a cross-encoder that was trained for natural language inference.",
            )
        return found[0]
