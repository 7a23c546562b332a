"""The `llama-cpp` generator."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from annotated_types import Ge, Gt

from ragbraid.context import Context
from ragbraid.errors import GenerationError, InputError, ModelError, RagbraidError
from ragbraid.generate.alternatives import alternatives, logprobs
from ragbraid.generate.gguf import Gguf, demand_faithful, find_file, read
from ragbraid.generate.llama_request import body, demand_kept
from ragbraid.generate.llama_score import score
from ragbraid.generate.prompting import COMPLETION, Prompts, demand_room, prompt_tokens
from ragbraid.generate.protocol import (
    Completion,
    Request,
    Score,
)
from ragbraid.generate.streaming import Say, Stopped, streamed
from ragbraid.generate.turns import Turns
from ragbraid.models.fingerprint import fingerprint
from ragbraid.models.memory import Memory, Need
from ragbraid.models.threads import default_threads
from ragbraid.models.weights import Weights
from ragbraid.types import Message, ModelName, Usage

if TYPE_CHECKING:
    from ragbraid.generate.llama_server import LlamaServer
    from ragbraid.generate.llama_slots import SlotStore

_DEFAULT = ModelName("smollm2-135m-instruct")
_BYTES = {"f16": 2.0, "q8_0": 34 / 32, "q4_0": 18 / 32}
"""Bytes of a number in a cache of keys and values."""


@dataclass(frozen=True, slots=True)
class LlamaCpp:
    """Generates text with a GGUF model by llama.cpp, in this process.

    `parallel` requests run side by side, each with `context_tokens`; `gpu_layers` of the model go to a
    GPU where llama.cpp was built for one (-1: all). Each prompt is computed alone and whole, and equal
    requests have equal answers, as long as `parallel` is 1 and `cache_mb` 0. With more, prompts that begin
    alike are computed once, while `cache_mb` megabytes of main memory hold their keys and values: the same
    but for rounding, since llama.cpp sums up in an order that depends on how many tokens it computes at a
    time. With `speculation: ngram` what was said before is proposed to be said again, several tokens at a
    time, and the model keeps what it would have said itself: faster where answers copy from the prompt, and
    the same but for rounding again. `kv_cache` q8_0 and q4_0 keep keys and values in less memory, and are
    approximate. `threads` is by default `OMP_NUM_THREADS`, as it is for the other
    libraries, or else the number of processors that this process may use. After `idle` seconds without a
    request the weights are put away, with what is cached, and the next request loads them again. In the
    folder `cache_path` the keys and values of the last prompts are kept meanwhile, and beyond the end of
    the process, within `cache_mb`. A `draft_model`, smaller and of the same vocabulary, proposes tokens, and
    the model keeps those that it would have said itself. A base model, which knows no chat, takes
    `prompts: completion`: messages become a text that it goes on with. `revision` is that of a model from
    the hub.
    """

    blocking: ClassVar[bool] = True

    model: ModelName = _DEFAULT
    revision: str | None = None
    context_tokens: Annotated[int, Ge(64)] = 4096
    kv_cache: Literal["f16", "q8_0", "q4_0"] = "f16"
    speculation: Literal["none", "ngram"] = "none"
    draft_model: ModelName | None = None
    prompts: Prompts = "chat"
    parallel: Annotated[int, Ge(1)] = field(default=1, metadata={"digest": False})
    cache_mb: Annotated[int, Ge(0)] = field(default=0, metadata={"digest": False})
    threads: Annotated[int, Ge(1)] | None = field(default=None, metadata={"digest": False})
    gpu_layers: Annotated[int, Ge(-1)] = field(default=-1, metadata={"digest": False})
    cache_path: Path | None = field(default=None, metadata={"digest": False})
    idle: Annotated[float, Gt(0)] | None = field(default=None, metadata={"digest": False})

    def __post_init__(self) -> None:
        if self.cache_path is not None and not self.cache_mb:
            raise InputError(
                "cache_path is to keep keys and values, and cache_mb: 0 leaves no room for any.",
                "Set `cache_mb`, to 512 for example.",
            )

    def open(self) -> LlamaCppRuntime:
        """The running generator. The weights load at the first request."""
        return LlamaCppRuntime(self)


class LlamaCppRuntime:
    """Implements `Generator`. A cancelled request stops within one token."""

    def __init__(self, options: LlamaCpp) -> None:
        self._options = options
        self._weights: Weights[LlamaServer] = Weights(
            options.model, self._load, need=self._need, close=_close, idle=options.idle
        )
        self._turns = Turns(options.parallel)

    @property
    def context_window(self) -> int:
        """The most tokens of prompt and completion: what is set here, or less if the model knows less."""
        return min(self._options.context_tokens, self._file.context_length or self._options.context_tokens)

    @property
    def scores_together(self) -> bool:
        """False."""
        return False

    def count_tokens(self, prompt: tuple[Message, ...] | str) -> int:
        """Tokens of the prompt, chat template included."""
        with self._weights.use() as server:
            return len(self._tokens(server, prompt))

    def generate(
        self, requests: Sequence[Request], *, context: Context | None = None
    ) -> list[Completion | Exception]:
        """Each request's completion or its own error; `parallel` of them at once."""
        from concurrent.futures import ThreadPoolExecutor

        with self._weights.use(), ThreadPoolExecutor(self._options.parallel) as pool:
            if len(requests) < 2:
                return [self._one(request, context) for request in requests]
            return list(pool.map(lambda request: self._one(request, context), requests))

    def stream(self, request: Request, *, context: Context | None = None) -> Iterator[str | Completion]:
        """Pieces of text, then the completion. Closing the iterator stops the model."""
        return streamed(lambda say, stopped: self._run(request, context, say, stopped), "ragbraid-llama-cpp")

    def score(
        self,
        prompt: tuple[Message, ...] | str,
        continuations: Sequence[str],
        *,
        then: str | None = None,
        context: Context | None = None,
    ) -> list[Score]:
        """Each continuation's log-probability, one by one: llama.cpp's server has no batch of them."""
        with self._weights.use() as server:
            tokens = self._tokens(server, prompt)
            following = None if then is None else server.tokenize(then, control=False)[0]
            scores = []
            for each in continuations:
                if context is not None:
                    context.check()
                scores.append(score(server, tokens, server.tokenize(each, control=False), following))
        return scores

    def warm_up(self) -> None:
        """Load the weights now."""
        with self._weights.use():
            pass

    def take_from(self, memory: Memory) -> None:
        """Load within this budget."""
        self._weights.memory = memory

    def close(self) -> None:
        """Free the weights and end the server's threads."""
        self._weights.close()

    def _one(self, request: Request, context: Context | None) -> Completion | Exception:
        try:
            return self._run(request, context, lambda _: None, lambda: False)
        except RagbraidError as error:
            return error

    def _run(
        self,
        request: Request,
        context: Context | None,
        say: Say,
        stopped: Stopped,
    ) -> Completion:
        """Generate, saying each piece; raises what a cancelled context raises."""
        if context is not None:
            context.check()
        with self._weights.use() as server, self._turns.taken(context, stopped):
            return self._completed(server, request, context, say, stopped)

    def _completed(
        self, server: LlamaServer, request: Request, context: Context | None, say: Say, stopped: Stopped
    ) -> Completion:
        tokens = self._tokens(server, request.prompt)
        demand_room(self.context_window, len(tokens), request.max_tokens)
        pieces: list[str] = []
        last: dict[str, Any] = {}
        first: dict[str, float] = {}
        told: list[tuple[str, float]] = []

        def each(chunk: dict[str, Any]) -> bool:
            last.update(chunk)
            if chunk.get("choices"):
                if request.alternatives and not first:
                    first.update(alternatives(chunk["choices"][0]))
                if request.logprobs:
                    told.extend(logprobs(chunk["choices"][0]))
            text = chunk["choices"][0]["text"] if chunk.get("choices") else ""
            if text:
                pieces.append(text)
                say(text)
            return stopped() or (context is not None and context.cancelled)

        server.complete(body(request, tokens, cached=self._options.cache_mb > 0), each)
        if context is not None:
            context.check()
        if "error" in last:
            raise GenerationError(f"llama.cpp refused the request: {last['error'].get('message', '')}.")
        usage, text = last.get("usage") or {}, "".join(pieces)
        cut = last.get("choices", [{}])[0].get("finish_reason") == "length"
        if not cut:
            demand_kept(request.constraint, text)
        return Completion(
            text,
            "length" if cut else "stop",
            Usage(len(tokens), int(usage.get("completion_tokens", 0)), 1),
            first,
            tuple(told),
        )

    def _tokens(self, server: LlamaServer, prompt: tuple[Message, ...] | str) -> list[int]:
        return prompt_tokens(
            prompt,
            lambda piece: server.tokenize(piece.text, control=piece.control),
            template=COMPLETION if self._options.prompts == "completion" else self._file.chat_template,
            bos=self._file.token("bos"),
            eos=self._file.token("eos"),
            begin=server.tokenize("", control=False, special=True),
            model=self._options.model,
        )

    @cached_property
    def _path(self) -> Path:
        return find_file(self._options.model, self._options.revision)

    @cached_property
    def _file(self) -> Gguf:
        return demand_faithful(read(self._path), self._path)

    def _load(self) -> LlamaServer:
        from ragbraid.generate.llama_server import LlamaServer

        options = self._options
        return LlamaServer(
            self._path,
            context=self.context_window,
            parallel=options.parallel,
            threads=options.threads or default_threads(),
            gpu_layers=options.gpu_layers,
            cache_mb=options.cache_mb,
            kv_cache=options.kv_cache,
            speculation=options.speculation,
            draft=self._draft,
            store=self._store(),
        )

    @cached_property
    def _draft(self) -> Path | None:
        """The draft model's file. Raises `ModelError` where its vocabulary is another."""
        if self._options.draft_model is None:
            return None
        path, key = find_file(self._options.draft_model, None), "tokenizer.ggml.tokens"
        if read(path).metadata.get(key) != self._file.metadata.get(key):
            raise ModelError(
                f"{self._options.draft_model} has another vocabulary than {self._options.model}.",
                "Name a smaller model of the same family as draft_model.",
            )
        return path

    def _store(self) -> SlotStore | None:
        from ragbraid.generate.llama_slots import SlotStore

        options = self._options
        if options.cache_path is None:
            return None
        name = f"{self._path.stem}-{fingerprint(self._path)}-{options.kv_cache}-{self.context_window}"
        return SlotStore(options.cache_path, name, options.parallel, options.cache_mb * 2**20)

    def _need(self) -> Need:
        options, size = self._options, _BYTES[self._options.kv_cache]
        slots = int(self._file.cache_numbers * size * self.context_window * options.parallel)
        files = [each for each in (self._path, self._draft) if each is not None]
        return Need(slots + options.cache_mb * 2**20, mapped=sum(each.stat().st_size for each in files))


def _close(server: LlamaServer) -> None:
    server.close()
