"""The `transformers` generator."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from annotated_types import Ge, Gt

from ragbraid.context import Context
from ragbraid.errors import ModelError, RagbraidError
from ragbraid.errors import Stopped as RunStopped
from ragbraid.generate.answering import Answering
from ragbraid.generate.gguf import read
from ragbraid.generate.prompting import demand_room
from ragbraid.generate.protocol import Completion, Request, Score
from ragbraid.generate.streaming import Say, Stopped, streamed
from ragbraid.generate.turns import Turns
from ragbraid.models.locate import locate
from ragbraid.models.memory import Device, Memory, Need
from ragbraid.models.sizes import parameters
from ragbraid.models.weights import Weights
from ragbraid.types import Message, ModelName

if TYPE_CHECKING:
    from ragbraid.generate.hf.batch import Row
    from ragbraid.generate.hf.model import TorchModel


@dataclass(frozen=True, slots=True)
class Transformers:
    """Generates text with any causal model that transformers knows, in torch.

    The model is a folder with safetensors, a hub id, or a GGUF file of an architecture that transformers
    unpacks. `device` auto takes a GPU where there is one. `weights` auto are float32 on the CPU and bfloat16
    on a GPU; int8 and int4 are packed by torchao while they load, and are approximate. Up to `parallel`
    requests of one call run side by side, each with `context_tokens`. After `idle` seconds without a
    request the weights are put away, and the next request loads them again. `revision` is that of a model
    from the hub. It is the reference for the other engines, and the one for CUDA.
    """

    blocking: ClassVar[bool] = True

    model: ModelName
    revision: str | None = None
    context_tokens: Annotated[int, Ge(64)] = 4096
    weights: Literal["auto", "f32", "bf16", "int8", "int4"] = "auto"
    device: Literal["auto", "cpu", "cuda"] = field(default="auto", metadata={"digest": False})
    parallel: Annotated[int, Ge(1)] = field(default=8, metadata={"digest": False})
    idle: Annotated[float, Gt(0)] | None = field(default=None, metadata={"digest": False})

    def open(self) -> TransformersRuntime:
        """The running generator. The weights load at the first request."""
        return TransformersRuntime(self)


class TransformersRuntime:
    """Implements `Generator`; calls wait for each other. A cancelled one stops within one token."""

    def __init__(self, options: Transformers) -> None:
        self._options = options
        self._weights: Weights[TorchModel] = Weights(
            options.model, self._load, need=self._need, idle=options.idle
        )
        self._preparing = threading.Lock()
        self._turns = Turns(1)

    @property
    def context_window(self) -> int:
        """The most tokens of prompt and completion: what is set here, or less if the model knows less."""
        with self._weights.use() as model:
            return self._window(model)

    @property
    def scores_together(self) -> bool:
        """True: they lie in a tree behind the prompt."""
        return True

    def count_tokens(self, prompt: tuple[Message, ...] | str) -> int:
        """Tokens of the prompt, chat template included."""
        with self._weights.use() as model:
            return len(model.prompt(prompt))

    def generate(
        self, requests: Sequence[Request], *, context: Context | None = None
    ) -> list[Completion | Exception]:
        """Each request's completion or its own error; `parallel` of them at once."""
        outcomes: list[Completion | Exception] = []
        for start in range(0, len(requests), self._options.parallel):
            outcomes += self._together(requests[start : start + self._options.parallel], context)
        return outcomes

    def stream(self, request: Request, *, context: Context | None = None) -> Iterator[str | Completion]:
        """Pieces of text, then the completion. Closing the iterator stops the model."""

        def run(say: Say, stopped: Stopped) -> Completion:
            (outcome,) = self._together([request], context, say, stopped)
            if isinstance(outcome, Exception):
                raise outcome
            return outcome

        return streamed(run, "ragbraid-transformers")

    def score(
        self,
        prompt: tuple[Message, ...] | str,
        continuations: Sequence[str],
        *,
        then: str | None = None,
        context: Context | None = None,
    ) -> list[Score]:
        """Each continuation's log-probability, all in one pass: what they share is computed once."""
        from ragbraid.generate.tree_scoring import scores

        if context is not None:
            context.check()
        with self._weights.use() as model, self._turns.taken(context):
            return scores(model.scorer, model, self._window(model), prompt, continuations, then)

    def warm_up(self) -> None:
        """Load the weights now."""
        with self._weights.use():
            pass

    def take_from(self, memory: Memory) -> None:
        """Load within this budget."""
        self._weights.memory = memory

    def close(self) -> None:
        """Give the memory back."""
        self._weights.close()

    def _window(self, model: TorchModel) -> int:
        return min(self._options.context_tokens, model.context_length or self._options.context_tokens)

    def _together(
        self,
        requests: Sequence[Request],
        context: Context | None,
        say: Say = lambda _: None,
        stopped: Stopped = lambda: False,
    ) -> list[Completion | Exception]:
        """What comes of requests side by side."""
        from ragbraid.generate.hf.batch import run

        with self._weights.use() as model:
            rows = [self._row(model, each, context, say) for each in requests]
            able = [row for row in rows if not isinstance(row, RagbraidError)]
            if able:
                with suppress(RunStopped), self._turns.taken(context, stopped):
                    run(
                        model, able, lambda: not stopped() and not (context is not None and context.cancelled)
                    )
            return [_outcome(row, context, say) for row in rows]

    def _row(
        self, model: TorchModel, request: Request, context: Context | None, say: Say
    ) -> Row | RagbraidError:
        from ragbraid.generate.hf.batch import Row

        try:
            if context is not None:
                context.check()
            tokens = model.prompt(request.prompt)
            demand_room(self._window(model), len(tokens), request.max_tokens)
            held = None if request.constraint is None else self._holders(model)(request.constraint)
            return Row(request, tokens, Answering(request, len(tokens), model), held, say)
        except RagbraidError as error:
            return error

    def _holders(self, model: TorchModel) -> Callable[[Any], Any]:
        from ragbraid.generate.hf.constraint import holders

        with self._preparing:
            if model.holders is None:
                model.holders = holders(model.tokenizer, list(model.stops))
            return model.holders

    def _load(self) -> TorchModel:
        from ragbraid.generate.hf.model import TorchModel

        return TorchModel(self._path(), self._device(), self._options.weights)

    def _need(self) -> Need:
        device, weights = self._device(), self._options.weights
        size = _BYTES[weights if weights != "auto" else "f32" if device == "cpu" else "bf16"]
        path = self._path()
        count = read(path).parameters if path.is_file() else parameters(path)
        return Need(int(count * size), device=device)

    def _path(self) -> Path:
        path = locate(self._options.model, self._options.revision, kind="generator")
        files = sorted(path.rglob("*.gguf")) if path.is_dir() else []
        return files[0] if len(files) == 1 and not any(path.glob("*.safetensors")) else path

    def _device(self) -> Device:
        wanted = self._options.device
        if wanted == "cpu":
            return "cpu"
        try:
            from torch import cuda
        except ImportError:
            return "cpu"
        if cuda.is_available():
            return "cuda"
        if wanted == "cuda":
            raise ModelError("device is cuda, and torch finds no CUDA device.", "Set device: auto.")
        return "cpu"


_BYTES = {"f32": 4.0, "bf16": 2.0, "int8": 1.0, "int4": 0.6}
"""Bytes of a weight, with the scales of its group."""


def _outcome(
    row: Row | RagbraidError, context: Context | None, say: Say = lambda _: None
) -> Completion | Exception:
    if isinstance(row, RagbraidError):
        return row
    if row.error is not None:
        return row.error
    if context is not None:
        try:
            context.check()
        except RagbraidError as error:
            return error
    say(row.answering.rest())
    return row.answering.completion()
