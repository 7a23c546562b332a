"""The `openvino` generator."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from queue import Empty
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, TypeAlias

from annotated_types import Ge, Gt

from ragbraid.context import Context
from ragbraid.errors import RagbraidError
from ragbraid.generate.alternatives import MOST, likeliest
from ragbraid.generate.answering import Answering, Tokens
from ragbraid.generate.gguf import Gguf, find_file, read
from ragbraid.generate.prompting import demand_room
from ragbraid.generate.protocol import Completion, Request, Score
from ragbraid.models.memory import Memory, Need
from ragbraid.models.threads import default_threads
from ragbraid.models.weights import Weights
from ragbraid.types import Message, ModelName

if TYPE_CHECKING:
    from ragbraid.generate.ov.batching import Batcher
    from ragbraid.generate.ov.jobs import Job
    from ragbraid.generate.ov.text import Text
    from ragbraid.generate.tree_scoring import TreeScorer

_Begun: TypeAlias = "tuple[Job, Answering]"
CACHE_MB = 512
"""Megabytes of keys and values that are kept, where nothing else is set."""
_DEFAULT = ModelName("smollm2-135m-instruct")
_LOOK = 0.02
"""Seconds between two looks at a run's cancellation while no token has come."""


@dataclass(frozen=True, slots=True)
class OpenVino:
    """Generates text with a GGUF model by OpenVINO, on the CPU of this process.

    The model is converted once, which takes some ten seconds, and proven on this machine: its next-token
    distribution differs from torch's in float32 by 0.001 nats at most, or it is refused. `precision`
    exact computes in float32; bf16 is faster on processors that have it, and approximate. Up to
    `parallel` requests run side by side, each with `context_tokens`; prompts that begin alike are
    computed once, while `cache_mb` megabytes of keys and values hold them. `threads` is by default
    `OMP_NUM_THREADS`, or else the number of processors that this process may use. After `idle` seconds
    without a request the weights are put away, with what is cached, and the next request loads them again.
    `revision` is that of a model from the hub.
    """

    blocking: ClassVar[bool] = True

    model: ModelName = _DEFAULT
    revision: str | None = None
    context_tokens: Annotated[int, Ge(64)] = 4096
    precision: Literal["exact", "bf16"] = "exact"
    parallel: Annotated[int, Ge(1)] = field(default=8, metadata={"digest": False})
    cache_mb: Annotated[int, Ge(1)] = field(default=CACHE_MB, metadata={"digest": False})
    threads: Annotated[int, Ge(1)] | None = field(default=None, metadata={"digest": False})
    idle: Annotated[float, Gt(0)] | None = field(default=None, metadata={"digest": False})

    def open(self) -> OpenVinoRuntime:
        """The running generator. The weights load at the first request."""
        return OpenVinoRuntime(self)


class OpenVinoRuntime:
    """Implements `Generator`. A cancelled request stops within one token."""

    def __init__(self, options: OpenVino) -> None:
        self._options = options
        self._batching: Weights[Batcher] = Weights(
            options.model, self._load, need=self._need, close=lambda each: each.close(), idle=options.idle
        )
        self._scoring: Weights[TreeScorer] = Weights(
            options.model, self._load_scorer, need=self._scorers_need, idle=options.idle
        )

    @property
    def context_window(self) -> int:
        """The most tokens of prompt and completion: what is set here, or less if the model knows less."""
        return min(self._options.context_tokens, self._file.context_length or self._options.context_tokens)

    @property
    def scores_together(self) -> bool:
        """True: they lie in a tree behind the prompt."""
        return True

    def count_tokens(self, prompt: tuple[Message, ...] | str) -> int:
        """Tokens of the prompt, chat template included."""
        return len(self._text.prompt(prompt))

    def generate(
        self, requests: Sequence[Request], *, context: Context | None = None
    ) -> list[Completion | Exception]:
        """Each request's completion or its own error; all of them side by side."""
        if not requests:
            return []
        with self._batching.use() as batcher:
            begun = [self._begin(batcher, request, context) for request in requests]
            try:
                return [self._one(each, context) for each in begun]
            finally:
                for each in begun:
                    if not isinstance(each, RagbraidError):
                        each[0].stop.set()

    def stream(self, request: Request, *, context: Context | None = None) -> Iterator[str | Completion]:
        """Pieces of text, then the completion. Closing the iterator stops the model."""
        with self._batching.use() as batcher:
            begun = self._begin(batcher, request, context)
            if isinstance(begun, RagbraidError):
                raise begun
            try:
                yield from self._pieces(begun, context)
            finally:
                begun[0].stop.set()

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
        with self._scoring.use() as scorer:
            return scores(scorer, self._text, self.context_window, prompt, continuations, then)

    def prepare(self) -> None:
        """Convert and prove the model, where that hasn't been done. Raises `ModelError`."""
        _ = self._folder

    def warm_up(self) -> None:
        """Load the weights now."""
        with self._batching.use():
            pass

    def take_from(self, memory: Memory) -> None:
        """Load within this budget."""
        self._batching.memory = self._scoring.memory = memory

    def close(self) -> None:
        """Stop what runs and give the memory back."""
        self._batching.close()
        self._scoring.close()

    def _begin(self, batcher: Batcher, request: Request, context: Context | None) -> _Begun | RagbraidError:
        """Let a request join the batch; one that can't be met is its own error."""
        from ragbraid.generate.ov.jobs import job_of

        try:
            if context is not None:
                context.check()
            tokens = self._text.prompt(request.prompt)
            demand_room(self.context_window, len(tokens), request.max_tokens)
            answering = Answering(request, len(tokens), self._text)
            job = job_of(request, tokens, self._text.stops)
            if request.alternatives:
                with self._scoring.use() as scorer:
                    logs, count = scorer.first(tokens), min(request.alternatives, MOST)
                answering.alternatives = likeliest(logs, count, self._text.decode)
            batcher.submit(job, context)
        except RagbraidError as error:
            return error
        return job, answering

    def _one(self, begun: _Begun | RagbraidError, context: Context | None) -> Completion | Exception:
        if isinstance(begun, RagbraidError):
            return begun
        try:
            *_, completion = self._pieces(begun, context)
        except RagbraidError as error:
            return error
        assert isinstance(completion, Completion)
        return completion

    def _pieces(self, begun: _Begun, context: Context | None) -> Iterator[str | Completion]:
        job, answering = begun
        while not answering.ended:
            if piece := answering.take(_next(job, context)):
                yield piece
        job.stop.set()
        if piece := answering.rest():
            yield piece
        if context is not None:
            context.check()
        yield answering.completion()

    @cached_property
    def _path(self) -> Path:
        return find_file(self._options.model, self._options.revision)

    @cached_property
    def _file(self) -> Gguf:
        return read(self._path)

    @cached_property
    def _folder(self) -> Path:
        from ragbraid.generate.ov.convert import convert

        return convert(self._path, self._file)

    @cached_property
    def _text(self) -> Text:
        from ragbraid.generate.ov.text import Text

        return Text(self._folder, self._file, self._options.model)

    @cached_property
    def _properties(self) -> dict[str, Any]:
        from ragbraid.models.openvino import BF16, EXACT

        wanted = EXACT if self._options.precision == "exact" else BF16
        return {**wanted, "INFERENCE_NUM_THREADS": self._options.threads or default_threads()}

    def _load(self) -> Batcher:
        from ragbraid.generate.ov.batching import Batcher, pipeline

        folder, parallel, size = self._folder, self._options.parallel, self._options.cache_mb * 2**20
        return Batcher(
            lambda: pipeline(folder, self._properties, parallel=parallel, cache_bytes=size), parallel
        )

    def _load_scorer(self) -> TreeScorer:
        from ragbraid.generate.ov.scoring import scorer

        return scorer(self._folder, self._properties)

    def _need(self) -> Need:
        return Need(self._weights_size + self._options.cache_mb * 2**20, mapped=self._weights_size)

    def _scorers_need(self) -> Need:
        """Beside its own cache: its weights are the batch's, where both are loaded."""
        window = self.context_window * self._file.cache_numbers * 4
        return Need(window, mapped=self._weights_size)

    @cached_property
    def _weights_size(self) -> int:
        return (self._folder / "openvino_model.bin").stat().st_size


def _next(job: Job, context: Context | None) -> Tokens:
    while True:
        if context is not None:
            context.check()
        with suppress(Empty):
            got = job.out.get(timeout=None if context is None else _LOOK)
            if isinstance(got, Exception):
                raise got
            return got
