"""A request as the batch sees it, and as its caller does: tokens in a queue, text in pieces."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import Any

from ragbraid.generate.ov.text import Decoder, Text
from ragbraid.generate.protocol import Completion, Constraint, Grammar, JsonSchema, Quotes, Regex, Request
from ragbraid.generate.quote_grammar import grammar_of
from ragbraid.generate.text_stream import StopStrings
from ragbraid.types import Usage


@dataclass(frozen=True, slots=True)
class Tokens:
    """A step's new tokens of one request, their log-probabilities, and why it ended, if it did."""

    ids: Sequence[int]
    logs: Sequence[float]
    finished: str | None = None


@dataclass(slots=True, eq=False)
class Job:
    """A request in the batch. `stop` set, it leaves at the next token.

    `doubtful` is one with a constraint that a user wrote: the library finds out at the first token that it
    can't be read, and then takes the whole pipeline down.
    """

    prompt: Sequence[int]
    config: Any
    doubtful: bool = False
    out: SimpleQueue[Tokens | Exception] = field(default_factory=SimpleQueue)
    stop: threading.Event = field(default_factory=threading.Event)
    told: int = 0
    """Tokens handed on."""
    skip: int = 0
    """Tokens of the present run that were handed on in one before it."""
    alone: bool = False


def job_of(request: Request, prompt: Sequence[int], stops: Sequence[int]) -> Job:
    """The request as OpenVINO takes it. Raises `GenerationError` where there is nothing to quote."""
    import openvino_genai

    config = openvino_genai.GenerationConfig()
    config.max_new_tokens = request.max_tokens
    config.stop_token_ids = set(stops)
    config.eos_token_id = stops[0] if stops else -1
    config.apply_chat_template = False
    config.logprobs = int(request.logprobs)
    config.do_sample = request.temperature > 0
    if config.do_sample:
        config.temperature, config.top_p = request.temperature, request.top_p
        config.top_k, config.rng_seed = 0, request.seed
    if request.constraint is not None:
        config.structured_output_config = _structured(request.constraint)
    return Job(prompt, config, isinstance(request.constraint, JsonSchema | Regex | Grammar))


def _structured(constraint: Constraint) -> Any:
    import openvino_genai

    structured = openvino_genai.StructuredOutputConfig()
    match constraint:
        case Quotes():
            structured.grammar = grammar_of(constraint)
        case Grammar():
            structured.grammar = constraint.gbnf
        case Regex():
            structured.regex = constraint.pattern
        case JsonSchema():
            structured.json_schema = json.dumps(dict(constraint.schema))
    return structured


class Answering:
    """A request's answer as it comes: tokens become text, up to a stop string."""

    def __init__(self, request: Request, job: Job, text: Text) -> None:
        self.job = job
        self.alternatives: Mapping[str, float] = {}
        self._text = text
        self._decoder = Decoder(text)
        self._stops = StopStrings(request.stop)
        self._asks_logs = request.logprobs
        self._ends = frozenset(text.stops)
        self._said: list[str] = []
        self._tokens: list[tuple[str, float]] = []
        self._count = 0
        self._reason: str | None = None

    @property
    def ended(self) -> bool:
        """Whether nothing more is to come."""
        return self._reason is not None or self._stops.stopped

    def take(self, tokens: Tokens) -> str:
        """What can be said now."""
        self._reason = tokens.finished
        told = zip(tokens.ids, tokens.logs, strict=True)
        own = [(token, log) for token, log in told if token not in self._ends]
        self._count += len(tokens.ids)
        if self._asks_logs:
            self._tokens += [(self._text.decode([token]), min(0.0, log)) for token, log in own]
        return self._say(self._stops.feed(self._decoder.feed([token for token, _ in own])))

    def rest(self) -> str:
        """What was held back, at the end."""
        return self._say(self._stops.feed(self._decoder.end()) + self._stops.end())

    def completion(self) -> Completion:
        """All of it."""
        cut = self._reason == "length" and not self._stops.stopped
        return Completion(
            "".join(self._said),
            "length" if cut else "stop",
            Usage(len(self.job.prompt), self._count, 1),
            self.alternatives,
            tuple(self._tokens),
        )

    def _say(self, piece: str) -> str:
        if piece:
            self._said.append(piece)
        return piece
