"""The contract of a generator: prompts in, completions out, under constraints."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, TypeAlias

from ragbraid.context import Context
from ragbraid.types import Message, Usage


@dataclass(frozen=True, slots=True)
class Quotes:
    """The output is a run of whole words of one of `texts`, verbatim, or exactly `abstention`."""

    texts: tuple[str, ...]
    max_words: int = 12
    abstention: str | None = None


@dataclass(frozen=True, slots=True)
class JsonSchema:
    """The output is JSON that fits the schema."""

    schema: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Grammar:
    """The output is a sentence of this grammar, in GBNF."""

    gbnf: str


@dataclass(frozen=True, slots=True)
class Regex:
    """The output as a whole matches this regular expression: classes, groups, alternatives, repetitions."""

    pattern: str


Constraint: TypeAlias = Quotes | JsonSchema | Grammar | Regex


@dataclass(frozen=True, slots=True)
class Request:
    """What a generator is asked for.

    `prompt` is either chat messages, put through the model's own chat template with their contents as
    data (text that looks like a control token never becomes one), or a text to be continued as it is.
    `alternatives` of the likeliest first tokens, and with `logprobs` the log-probability of each token of the
    text, are told with the completion, by an engine that can.
    """

    prompt: tuple[Message, ...] | str
    max_tokens: int = 256
    temperature: float = 0.0
    top_p: float = 1.0
    seed: int = 0
    stop: tuple[str, ...] = ()
    constraint: Constraint | None = None
    alternatives: int = 0
    logprobs: bool = False


_NO_USAGE = Usage()


@dataclass(frozen=True, slots=True)
class Completion:
    """What came back.

    `alternatives` are the texts of the likeliest first tokens with their log-probabilities before any
    constraint, where they were asked for and the engine tells; `tokens` the texts of the completion's own
    tokens with theirs, in nats (half a character's text is a replacement sign).
    """

    text: str
    finish_reason: Literal["stop", "length"] = "stop"
    usage: Usage = _NO_USAGE
    alternatives: Mapping[str, float] = field(default_factory=dict)
    tokens: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Score:
    """How likely a continuation is after its prompt, in nats.

    `logprob` is log P(continuation | prompt), over `tokens` tokens; `stop` is the log-probability that the
    model ends its answer right after it, or goes on with what was asked for.
    """

    logprob: float
    stop: float
    tokens: int


class Generator(Protocol):
    """Generates text. Weights load at the first request, never before."""

    @property
    def context_window(self) -> int:
        """The most tokens that prompt and completion may have together."""
        ...

    @property
    def scores_together(self) -> bool:
        """Whether `score` computes many continuations in about the time of one."""
        ...

    def count_tokens(self, prompt: tuple[Message, ...] | str) -> int:
        """Tokens of the prompt, chat template included; an upper estimate where it can't be known."""
        ...

    def generate(
        self, requests: Sequence[Request], *, context: Context | None = None
    ) -> list[Completion | Exception]:
        """One entry per request, in order: the completion, or that request's own error."""
        ...

    def stream(self, request: Request, *, context: Context | None = None) -> Iterator[str | Completion]:
        """Pieces of text as they come, whole characters only; last the completion, equal to their join."""
        ...

    def score(
        self,
        prompt: tuple[Message, ...] | str,
        continuations: Sequence[str],
        *,
        then: str | None = None,
        context: Context | None = None,
    ) -> list[Score]:
        """How likely each continuation is as what follows the prompt, by the model alone.

        `stop` of the scores is that of an end, or that of the first token of `then`. Raises `Unsupported`
        where the engine doesn't tell.
        """
        ...
