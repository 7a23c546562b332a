"""The `openai` generator: any server that speaks OpenAI's chat completions."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from annotated_types import Ge, Gt

from ragbraid.context import Context
from ragbraid.errors import GenerationError, MissingDependency, RagbraidError, ServerError, Unsupported
from ragbraid.generate.alternatives import MOST, alternatives, logprobs
from ragbraid.generate.protocol import (
    Completion,
    Constraint,
    Grammar,
    JsonSchema,
    Quotes,
    Regex,
    Request,
    Score,
)
from ragbraid.generate.quote_grammar import is_quote
from ragbraid.generate.sse import Busy, chunks, shown
from ragbraid.generate.text_stream import StopStrings
from ragbraid.secret import Secret
from ragbraid.types import Message, Usage

if TYPE_CHECKING:
    import httpx

_FIRST_WAIT = 0.25


@dataclass(frozen=True, slots=True)
class OpenAi:
    """Generates text on an OpenAI-compatible server: vLLM, SGLang, Ollama, llama-server, or OpenAI's.

    `base_url` ends in what comes before `/chat/completions`, usually `/v1`; `model` is what the server
    calls it, and `api_key` what the server asks for, if anything. Servers don't tell how much a model
    takes: `context_tokens` says it. Up to `parallel` requests are under way at once. `timeout` is the
    seconds that the server may be silent; `retries` holds while nothing has been said. Quotes aren't
    something every server can be held to: an answer that is no quote becomes the abstention.
    """

    blocking: ClassVar[bool] = True

    base_url: str
    model: str
    api_key: Secret | None = field(default=None, metadata={"digest": False})
    context_tokens: Annotated[int, Ge(64)] = 8192
    timeout: Annotated[float, Gt(0)] = field(default=60.0, metadata={"digest": False})
    retries: Annotated[int, Ge(0)] = field(default=2, metadata={"digest": False})
    parallel: Annotated[int, Ge(1)] = field(default=8, metadata={"digest": False})

    def __post_init__(self) -> None:
        if not self.base_url.startswith(("http://", "https://")):
            raise ValueError("base_url must begin with http:// or https://")

    def open(self) -> OpenAiRuntime:
        """The running generator. Nothing is sent before the first request."""
        return OpenAiRuntime(self)


class OpenAiRuntime:
    """Implements `Generator` over HTTP. A cancelled request hangs up at the next chunk."""

    def __init__(self, options: OpenAi) -> None:
        self._options = options
        self._url = options.base_url.rstrip("/") + "/chat/completions"
        self._client: httpx.Client | None = None
        self._lock = threading.Lock()

    @property
    def context_window(self) -> int:
        """What is set here: servers don't tell in one way."""
        return self._options.context_tokens

    @property
    def scores_together(self) -> bool:
        """False."""
        return False

    def count_tokens(self, prompt: tuple[Message, ...] | str) -> int:
        """An upper estimate: no token is shorter than a byte, and each message has a few of its own."""
        messages = _messages(prompt)
        return sum(len(each["content"].encode()) + 8 for each in messages) + 8

    def generate(
        self, requests: Sequence[Request], *, context: Context | None = None
    ) -> list[Completion | Exception]:
        """Each request's completion or its own error; `parallel` of them at once."""
        if len(requests) < 2:
            return [self._one(request, context) for request in requests]
        from concurrent.futures import ThreadPoolExecutor

        with ThreadPoolExecutor(min(self._options.parallel, len(requests))) as pool:
            return list(pool.map(lambda request: self._one(request, context), requests))

    def stream(self, request: Request, *, context: Context | None = None) -> Iterator[str | Completion]:
        """Pieces as they come, then the completion; with quotes, one piece when it is known to be one."""
        if not isinstance(request.constraint, Quotes):
            yield from self._pieces(request, context)
            return
        *_, completion = self._pieces(request, context)
        assert isinstance(completion, Completion)
        quoted = _quoted(completion, request.constraint)
        yield quoted.text
        yield quoted

    def score(
        self,
        prompt: tuple[Message, ...] | str,  # noqa: ARG002
        continuations: Sequence[str],  # noqa: ARG002
        *,
        then: str | None = None,  # noqa: ARG002
        context: Context | None = None,  # noqa: ARG002
    ) -> list[Score]:
        """Raises `Unsupported`: the protocol of chats doesn't tell the probability of a given text."""
        raise Unsupported("A server of chats doesn't score given texts.", "Use type: local.")

    def close(self) -> None:
        """Close the connections."""
        with self._lock:
            client, self._client = self._client, None
        if client is not None:
            client.close()

    def _one(self, request: Request, context: Context | None) -> Completion | Exception:
        try:
            *_, completion = self.stream(request, context=context)
        except RagbraidError as error:
            return error
        assert isinstance(completion, Completion)
        return completion

    def _pieces(self, request: Request, context: Context | None) -> Iterator[str | Completion]:
        stops, said = StopStrings(request.stop), []
        reason, usage = "stop", Usage(calls=1)
        first: dict[str, float] = {}
        told: list[tuple[str, float]] = []
        for chunk in self._chunks(_body(self._options.model, request), context):
            usage = _usage(chunk) or usage
            for choice in _list(chunk, "choices", self._url)[:1]:
                first = first or alternatives(choice)
                told += logprobs(choice) if request.logprobs else []
                piece = stops.feed(_content(choice, self._url))
                reason = choice.get("finish_reason") or reason
                if piece:
                    said.append(piece)
                    yield piece
            if stops.stopped:
                break
        if rest := stops.end():
            said.append(rest)
            yield rest
        cut = reason == "length" and not stops.stopped
        yield Completion("".join(said), "length" if cut else "stop", usage, first, tuple(told))

    def _chunks(self, body: dict[str, Any], context: Context | None) -> Iterator[dict[str, Any]]:
        """The server's chunks; asks again with growing waits while there has been none."""
        for attempt in range(self._options.retries + 1):
            if context is not None:
                context.check()
            try:
                for chunk in chunks(self._opened(), self._url, body):
                    if context is not None:
                        context.check()
                    yield chunk
                return
            except Busy:
                if attempt == self._options.retries:
                    raise
            _wait(_FIRST_WAIT * 2**attempt, context)

    def _opened(self) -> httpx.Client:
        with self._lock:
            if self._client is None:
                try:
                    import httpx
                except ImportError as error:
                    raise MissingDependency(
                        "The openai generator needs httpx, which isn't installed.",
                        "Run `pip install 'ragbraid[local]'`.",
                    ) from error
                key = self._options.api_key
                headers = {} if key is None else {"Authorization": f"Bearer {key.reveal()}"}
                self._client = httpx.Client(headers=headers, timeout=self._options.timeout)
            return self._client


def _wait(seconds: float, context: Context | None) -> None:
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        if context is not None:
            context.check()
        time.sleep(min(0.05, left))


def _messages(prompt: tuple[Message, ...] | str) -> list[dict[str, str]]:
    if isinstance(prompt, str):
        return [{"role": "user", "content": prompt}]
    return [{"role": each.role, "content": each.content} for each in prompt]


def _body(model: str, request: Request) -> dict[str, Any]:
    body: dict[str, Any] = {
        "model": model,
        "messages": _messages(request.prompt),
        "max_tokens": request.max_tokens,
        "temperature": request.temperature,
        "top_p": request.top_p,
        "seed": request.seed,
        "stream": True,
        "stream_options": {"include_usage": True},
        **_constraint(request.constraint),
    }
    if request.alternatives or request.logprobs:
        body |= {"logprobs": True, "top_logprobs": max(1, min(request.alternatives, MOST))}
    if request.stop:
        body["stop"] = list(request.stop)
    return body


def _constraint(constraint: Constraint | None) -> dict[str, Any]:
    if isinstance(constraint, JsonSchema):
        schema = {"name": "answer", "strict": True, "schema": dict(constraint.schema)}
        return {"response_format": {"type": "json_schema", "json_schema": schema}}
    if isinstance(constraint, Grammar | Regex):
        what = "a grammar" if isinstance(constraint, Grammar) else "a regular expression"
        raise Unsupported(
            f"The openai generator can't hold a server to {what}.", "Use a JSON schema, or type: local."
        )
    return {}


def _quoted(completion: Completion, quotes: Quotes) -> Completion:
    """The completion where it is one of the quotes; else the abstention, or a `GenerationError`."""
    text = completion.text.strip()
    if text == quotes.abstention or is_quote(text, quotes):
        return replace(completion, text=text)
    if quotes.abstention is None:
        raise GenerationError("The server's answer is no quote of the passages.", "Use type: llama-cpp.")
    return replace(completion, text=quotes.abstention)


def _list(chunk: dict[str, Any], key: str, url: str) -> list[dict[str, Any]]:
    found = chunk.get(key) or []
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        raise ServerError(f"The server at {shown(url)} sent a chunk of an unknown shape.")
    return found


def _content(choice: dict[str, Any], url: str) -> str:
    delta = choice.get("delta") or {}
    content = delta.get("content") if isinstance(delta, dict) else delta
    if content is not None and not isinstance(content, str):
        raise ServerError(f"The server at {shown(url)} sent a chunk of an unknown shape.")
    return content or ""


def _usage(chunk: dict[str, Any]) -> Usage | None:
    usage = chunk.get("usage")
    if not isinstance(usage, dict):
        return None
    return Usage(int(usage.get("prompt_tokens") or 0), int(usage.get("completion_tokens") or 0), 1)
