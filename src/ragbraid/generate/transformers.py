"""The `transformers` generator."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from annotated_types import Ge

from ragbraid.context import Context
from ragbraid.errors import ModelError, RagbraidError
from ragbraid.generate.answering import Answering
from ragbraid.generate.prompting import demand_room
from ragbraid.generate.protocol import Completion, Request, Score
from ragbraid.generate.streaming import Say, Stopped, streamed
from ragbraid.models.locate import locate
from ragbraid.types import Message, ModelName

if TYPE_CHECKING:
    from ragbraid.generate.hf.batch import Row
    from ragbraid.generate.hf.model import TorchModel
    from ragbraid.generate.tree_scoring import TreeScorer


@dataclass(frozen=True, slots=True)
class Transformers:
    """Generates text with any causal model that transformers knows, in torch.

    The model is a folder with safetensors, a hub id, or a GGUF file of an architecture that transformers
    unpacks. `device` auto takes a GPU where there is one. `weights` auto are float32 on the CPU and bfloat16
    on a GPU; int8 and int4 are packed by torchao while they load, and are approximate. Up to `parallel`
    requests of one call run side by side, each with `context_tokens`. `revision` is that of a model from the
    hub. It is the reference for the other engines, and the one for CUDA.
    """

    blocking: ClassVar[bool] = True

    model: ModelName
    revision: str | None = None
    context_tokens: Annotated[int, Ge(64)] = 4096
    weights: Literal["auto", "f32", "bf16", "int8", "int4"] = "auto"
    device: Literal["auto", "cpu", "cuda"] = field(default="auto", metadata={"digest": False})
    parallel: Annotated[int, Ge(1)] = field(default=8, metadata={"digest": False})

    def open(self) -> TransformersRuntime:
        """The running generator. The weights load at the first request."""
        return TransformersRuntime(self)


class TransformersRuntime:
    """Implements `Generator`; calls wait for each other. A cancelled one stops within one token."""

    def __init__(self, options: Transformers) -> None:
        self._options = options
        self._model: TorchModel | None = None
        self._scorer: TreeScorer | None = None
        self._loading = threading.Lock()
        self._computing = threading.Lock()

    @property
    def context_window(self) -> int:
        """The most tokens of prompt and completion: what is set here, or less if the model knows less."""
        return min(
            self._options.context_tokens, self._loaded().context_length or self._options.context_tokens
        )

    @property
    def scores_together(self) -> bool:
        """True: they lie in a tree behind the prompt."""
        return True

    def count_tokens(self, prompt: tuple[Message, ...] | str) -> int:
        """Tokens of the prompt, chat template included."""
        return len(self._loaded().prompt(prompt))

    def generate(
        self, requests: Sequence[Request], *, context: Context | None = None
    ) -> list[Completion | Exception]:
        """Each request's completion or its own error; `parallel` of them at once."""
        outcomes: list[Completion | Exception] = []
        for start in range(0, len(requests), self._options.parallel):
            rows = [self._row(each, context) for each in requests[start : start + self._options.parallel]]
            self._run([row for row in rows if not isinstance(row, RagbraidError)], context, lambda: True)
            outcomes += [_outcome(row, context) for row in rows]
        return outcomes

    def stream(self, request: Request, *, context: Context | None = None) -> Iterator[str | Completion]:
        """Pieces of text, then the completion. Closing the iterator stops the model."""

        def run(say: Say, stopped: Stopped) -> Completion:
            row = self._row(request, context, say)
            self._run([row] if not isinstance(row, RagbraidError) else [], context, lambda: not stopped())
            outcome = _outcome(row, context, say)
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
        model, scorer = self._loaded(), self._scoring()
        with self._computing:
            return scores(scorer, model, self.context_window, prompt, continuations, then)

    def warm_up(self) -> None:
        """Load the weights now."""
        self._loaded()

    def close(self) -> None:
        """Give the memory back."""
        with self._loading:
            self._model = self._scorer = None

    def _row(
        self, request: Request, context: Context | None, say: Say = lambda _: None
    ) -> Row | RagbraidError:
        from ragbraid.generate.hf.batch import Row

        try:
            if context is not None:
                context.check()
            model = self._loaded()
            tokens = model.prompt(request.prompt)
            demand_room(self.context_window, len(tokens), request.max_tokens)
            held = None if request.constraint is None else self._holders()(request.constraint)
            return Row(request, tokens, Answering(request, len(tokens), model), held, say)
        except RagbraidError as error:
            return error

    def _run(self, rows: list[Row], context: Context | None, wanted: Callable[[], bool]) -> None:
        from ragbraid.generate.hf.batch import run

        if rows:
            with self._computing:
                run(
                    self._loaded(), rows, lambda: wanted() and not (context is not None and context.cancelled)
                )

    def _holders(self) -> Callable[[Any], Any]:
        from ragbraid.generate.hf.constraint import holders

        model = self._loaded()
        with self._loading:
            if model.holders is None:
                model.holders = holders(model.tokenizer, list(model.stops))
            return model.holders

    def _scoring(self) -> TreeScorer:
        from ragbraid.generate.tree_scoring import TreeScorer

        model = self._loaded()
        with self._loading:
            if self._scorer is None:
                self._scorer = TreeScorer(model)
            return self._scorer

    def _loaded(self) -> TorchModel:
        from ragbraid.generate.hf.model import TorchModel

        with self._loading:
            if self._model is None:
                self._model = TorchModel(self._path(), self._device(), self._options.weights)
            return self._model

    def _path(self) -> Path:
        path = locate(self._options.model, self._options.revision, kind="generator")
        files = sorted(path.rglob("*.gguf")) if path.is_dir() else []
        return files[0] if len(files) == 1 and not any(path.glob("*.safetensors")) else path

    def _device(self) -> str:
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
