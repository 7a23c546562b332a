"""The `local` generator."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Annotated, ClassVar, Literal, TypeAlias

from annotated_types import Ge, Gt

from ragbraid.context import Context
from ragbraid.errors import ModelError, ModelMissing
from ragbraid.generate.choose import choose
from ragbraid.generate.llama_cpp import LlamaCpp, LlamaCppRuntime
from ragbraid.generate.openvino import CACHE_MB, OpenVino, OpenVinoRuntime
from ragbraid.generate.protocol import Completion, Request, Score
from ragbraid.generate.transformers import Transformers, TransformersRuntime
from ragbraid.models.memory import Memory
from ragbraid.types import Message, ModelName

_DEFAULT = ModelName("smollm2-135m-instruct")
_Runtime: TypeAlias = LlamaCppRuntime | OpenVinoRuntime | TransformersRuntime


@dataclass(frozen=True, slots=True)
class Local:
    """Generates text on this machine, with the engine that suits the model and the processor.

    `engine` auto takes transformers for a folder with safetensors, on a GPU where torch finds one; OpenVINO
    for a GGUF file that it can take exactly, on a processor where it is faster; and else llama.cpp. A
    conversion to OpenVINO that can't be proven exact leaves the model to llama.cpp. `ragbraid doctor` says
    which engine it is and why. Up to `parallel` requests run side by side, each with `context_tokens`;
    `cache_mb` megabytes of keys and values are kept for prompts that begin alike: by default 512 by OpenVINO,
    and none by llama.cpp, which computes what it keeps a little differently. `threads` is by default
    `OMP_NUM_THREADS`, or else the number of processors that this process may use. After `idle` seconds
    without a request the weights are put away, with what is cached, and the next request loads them again.
    `revision` is that of a model from the hub.
    """

    blocking: ClassVar[bool] = True

    model: ModelName = _DEFAULT
    revision: str | None = None
    engine: Literal["auto", "llama-cpp", "openvino", "transformers"] = "auto"
    context_tokens: Annotated[int, Ge(64)] = 4096
    parallel: Annotated[int, Ge(1)] = field(default=4, metadata={"digest": False})
    cache_mb: Annotated[int, Ge(1)] | None = field(default=None, metadata={"digest": False})
    threads: Annotated[int, Ge(1)] | None = field(default=None, metadata={"digest": False})
    idle: Annotated[float, Gt(0)] | None = field(default=None, metadata={"digest": False})

    def open(self) -> LocalRuntime:
        """The running generator. Its engine is chosen at first need."""
        return LocalRuntime(self)


class LocalRuntime:
    """Implements `Generator` by the chosen engine's."""

    def __init__(self, options: Local) -> None:
        self._options = options
        self._opened: _Runtime | None = None
        self._memory = Memory()
        self._lock = threading.Lock()

    @property
    def engine(self) -> str:
        """The engine that does the work, by its type's name."""
        match self._engine:
            case OpenVinoRuntime():
                return "openvino"
            case TransformersRuntime():
                return "transformers"
            case _:
                return "llama-cpp"

    @property
    def context_window(self) -> int:
        """The most tokens of prompt and completion: what is set here, or less if the model knows less."""
        return self._engine.context_window

    @property
    def scores_together(self) -> bool:
        """Whether the engine scores many continuations in one pass."""
        return self._engine.scores_together

    def count_tokens(self, prompt: tuple[Message, ...] | str) -> int:
        """Tokens of the prompt, chat template included."""
        return self._engine.count_tokens(prompt)

    def generate(
        self, requests: Sequence[Request], *, context: Context | None = None
    ) -> list[Completion | Exception]:
        """Each request's completion or its own error; `parallel` of them at once."""
        return self._engine.generate(requests, context=context)

    def stream(self, request: Request, *, context: Context | None = None) -> Iterator[str | Completion]:
        """Pieces of text, then the completion. Closing the iterator stops the model."""
        return self._engine.stream(request, context=context)

    def score(
        self,
        prompt: tuple[Message, ...] | str,
        continuations: Sequence[str],
        *,
        then: str | None = None,
        context: Context | None = None,
    ) -> list[Score]:
        """How likely each continuation is after the prompt."""
        return self._engine.score(prompt, continuations, then=then, context=context)

    def warm_up(self) -> None:
        """Load the weights now."""
        self._engine.warm_up()

    def take_from(self, memory: Memory) -> None:
        """Load within this budget."""
        self._memory = memory

    def close(self) -> None:
        """Give the memory back."""
        with self._lock:
            opened, self._opened = self._opened, None
        if opened is not None:
            opened.close()

    @property
    def _engine(self) -> _Runtime:
        with self._lock:
            if self._opened is None:
                self._opened = self._open()
                self._opened.take_from(self._memory)
            return self._opened

    def _open(self) -> _Runtime:
        options = self._options
        wanted = options.engine
        engine = choose(options.model, options.revision).engine if wanted == "auto" else wanted
        if engine == "transformers":
            return Transformers(
                options.model,
                options.revision,
                options.context_tokens,
                parallel=options.parallel,
                idle=options.idle,
            ).open()
        if engine == "openvino":
            runtime = OpenVino(
                options.model,
                options.revision,
                options.context_tokens,
                parallel=options.parallel,
                cache_mb=options.cache_mb or CACHE_MB,
                threads=options.threads,
                idle=options.idle,
            ).open()
            try:
                runtime.prepare()
            except ModelMissing:
                raise
            except ModelError:
                # What can't be proven exact is refused by OpenVINO; llama.cpp reads the file as it is.
                if wanted != "auto":
                    raise
            else:
                return runtime
        return LlamaCpp(
            options.model,
            options.revision,
            options.context_tokens,
            parallel=options.parallel,
            cache_mb=options.cache_mb or 0,
            threads=options.threads,
            idle=options.idle,
        ).open()


def prepare(model: str) -> None:
    """Convert and prove a model for the engine that would be chosen. Raises `ModelError`."""
    if choose(model).engine == "openvino":
        OpenVino(ModelName(model)).open().prepare()
