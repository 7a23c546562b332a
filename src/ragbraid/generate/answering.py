"""An answer as it comes: tokens become text in whole characters, up to a stop string."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from ragbraid.generate.protocol import Completion, Request
from ragbraid.generate.text_stream import StopStrings
from ragbraid.types import Usage


@dataclass(frozen=True, slots=True)
class Tokens:
    """New tokens of one request, their log-probabilities, and why it ended, if it did."""

    ids: Sequence[int]
    logs: Sequence[float]
    finished: str | None = None


class Text(Protocol):
    """What turns tokens into text."""

    @property
    def stops(self) -> Sequence[int]:
        """The tokens that end an answer."""
        ...

    def decode(self, tokens: Sequence[int]) -> str:
        """The text of tokens; control tokens have none, and half a character is a replacement sign."""
        ...


class Answering:
    """A request's answer as it comes: tokens become text, up to a stop string."""

    def __init__(self, request: Request, prompt_tokens: int, text: Text) -> None:
        self.alternatives: Mapping[str, float] = {}
        self._text = text
        self._prompt_tokens = prompt_tokens
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
            Usage(self._prompt_tokens, self._count, 1),
            self.alternatives,
            tuple(self._tokens),
        )

    def _say(self, piece: str) -> str:
        if piece:
            self._said.append(piece)
        return piece


class Decoder:
    """The text of an answer token by token, in whole characters.

    Decoding needs what stands before: some tokenizers drop a first space. So each step decodes a short run
    that begins with the last token already said.
    """

    def __init__(self, text: Text) -> None:
        self._text = text
        self._said: list[int] = []
        self._held: list[int] = []

    def feed(self, tokens: Sequence[int]) -> str:
        """What can be said now; half a character waits."""
        self._held += tokens
        told = self._told()
        if not told or told.endswith("\ufffd"):
            return ""
        self._said, self._held = self._held[-1:], []
        return told

    def end(self) -> str:
        """What was held back, without the part of a character that never came."""
        told = self._told().rstrip("\ufffd") if self._held else ""
        self._held = []
        return told

    def _told(self) -> str:
        before = self._text.decode(self._said) if self._said else ""
        return self._text.decode([*self._said, *self._held])[len(before) :]
