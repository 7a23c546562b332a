"""What runs models in torch: weights that load at first use, requests side by side, turns between callers."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Generic, Literal, Protocol, TypeVar

from ragbraid.context import Context
from ragbraid.errors import ModelError, RagbraidError
from ragbraid.errors import Stopped as RunStopped
from ragbraid.generate.answering import Answering
from ragbraid.generate.hf.protocol import Loaded
from ragbraid.generate.prompting import demand_room
from ragbraid.generate.protocol import Completion, Constraint, Request, Score
from ragbraid.generate.streaming import Say, Stopped, streamed
from ragbraid.generate.turns import Turns
from ragbraid.models.locate import locate
from ragbraid.models.memory import Device, Memory, Need
from ragbraid.models.weights import Weights
from ragbraid.types import Message, ModelName

if TYPE_CHECKING:
    from ragbraid.generate.hf.batch import Row
    from ragbraid.generate.hf.constraint import Holder


class Options(Protocol):
    """What every generator in torch is configured with."""

    @property
    def model(self) -> ModelName:
        """A folder, a file or a hub id."""
        ...

    @property
    def revision(self) -> str | None:
        """Of a model from the hub."""
        ...

    @property
    def context_tokens(self) -> int:
        """The most tokens of a prompt and its completion."""
        ...

    @property
    def device(self) -> Literal["auto", "cpu", "cuda"]:
        """What it computes on."""
        ...

    @property
    def parallel(self) -> int:
        """The most requests of a call that run side by side."""
        ...

    @property
    def idle(self) -> float | None:
        """Seconds without a request after which the weights are put away."""
        ...


OptionsT = TypeVar("OptionsT", bound=Options)


class TorchRuntime(ABC, Generic[OptionsT]):
    """Implements `Generator`; calls wait for each other. A cancelled one stops within one token."""

    def __init__(self, options: OptionsT) -> None:
        self._options = options
        self._weights: Weights[Loaded] = Weights(
            options.model, self._load, need=self._need, idle=options.idle
        )
        self._preparing = threading.Lock()
        self._turns = Turns(1)

    @abstractmethod
    def _load(self) -> Loaded:
        """The model. Raises `ModelError`, and `MissingDependency`."""

    @abstractmethod
    def _need(self) -> Need:
        """An estimate of what it takes, before it is loaded."""

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

        return streamed(run, "ragbraid-torch")

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

    def _window(self, model: Loaded) -> int:
        most = self._options.context_tokens
        return min(most, model.context_length or most)

    @property
    def _device(self) -> Device:
        return device_of(self._options.device)

    def _folder(self) -> Path:
        """Where the model's files are."""
        return locate(self._options.model, self._options.revision, kind="generator")

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

    def _row(self, model: Loaded, request: Request, context: Context | None, say: Say) -> Row | RagbraidError:
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

    def _holders(self, model: Loaded) -> Callable[[Constraint], Holder]:
        from ragbraid.generate.hf.constraint import holders

        with self._preparing:
            if model.holders is None:
                model.holders = holders(model.tokenizer, list(model.stops))
            return model.holders


def device_of(wanted: Literal["auto", "cpu", "cuda"]) -> Device:
    """The device that is meant. Raises `ModelError` for a GPU where torch finds none."""
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
