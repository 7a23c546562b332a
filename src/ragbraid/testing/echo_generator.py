"""Generators without weights: one repeats what it is given, one reads from a script."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge

from ragbraid.context import Context
from ragbraid.errors import GenerationError, Stopped, Unsupported
from ragbraid.generate.protocol import Completion, Quotes, Request, Score
from ragbraid.types import Message, Usage

_PIECE = re.compile(r"\s*\S+|\s+")


@dataclass(frozen=True, slots=True)
class EchoGenerator:
    """Generates the words it was given, for tests: the first quote, or the last message's text.

    Held to quotes it gives the first words of the first one, or the abstention where there are none. A
    token is a word, and `context_window` how many fit. `delay` is the time that each word takes, in
    seconds.
    """

    context_window: Annotated[int, Ge(1)] = 4096
    delay: Annotated[float, Ge(0)] = 0.0

    def open(self) -> GeneratorRuntime:
        """Make the generator that does the work."""
        return GeneratorRuntime(self.context_window, self.delay)


@dataclass(frozen=True, slots=True)
class ScriptedGenerator:
    """Generates the given answers one after the other, for tests.

    A request beyond the last answer fails, and so does an answer that breaks the request's constraint.
    """

    answers: tuple[str, ...]
    context_window: Annotated[int, Ge(1)] = 4096
    delay: Annotated[float, Ge(0)] = 0.0

    def open(self) -> GeneratorRuntime:
        """Make the generator that does the work."""
        return GeneratorRuntime(self.context_window, self.delay, self.answers)


class GeneratorRuntime:
    """The generator behind both; `requests` holds every request that it was given."""

    def __init__(self, context_window: int, delay: float, script: Sequence[str] | None = None) -> None:
        self.context_window = context_window
        self.scores_together = False
        self.requests: list[Request] = []
        self._delay = delay
        self._script = None if script is None else iter(script)
        self._lock = threading.Lock()

    def count_tokens(self, prompt: tuple[Message, ...] | str) -> int:
        """Words of the prompt."""
        return len(_text(prompt).split())

    def generate(
        self, requests: Sequence[Request], *, context: Context | None = None
    ) -> list[Completion | Exception]:
        """One completion per request, or that request's error."""
        return [self._outcome(each, context) for each in requests]

    def stream(self, request: Request, *, context: Context | None = None) -> Iterator[str | Completion]:
        """The words one by one, then the completion."""
        completion = self._complete(request)
        for piece in _PIECE.findall(completion.text):
            self._wait(context)
            yield piece
        yield completion

    def score(
        self,
        prompt: tuple[Message, ...] | str,  # noqa: ARG002
        continuations: Sequence[str],  # noqa: ARG002
        *,
        then: str | None = None,  # noqa: ARG002
        context: Context | None = None,  # noqa: ARG002
    ) -> list[Score]:
        """Raises `Unsupported`: words have no probabilities here."""
        raise Unsupported("A generator for tests doesn't score texts.", "Use type: local.")

    def close(self) -> None:
        """Nothing is held."""

    def _outcome(self, request: Request, context: Context | None) -> Completion | Exception:
        try:
            *_, completion = self.stream(request, context=context)
        except Stopped:
            raise
        except Exception as error:
            return error
        assert isinstance(completion, Completion)
        return completion

    def _complete(self, request: Request) -> Completion:
        with self._lock:
            self.requests.append(request)
            answer = _echo(request) if self._script is None else _next(self._script, request)
        text, finish = _cut(answer, request)
        usage = Usage(self.count_tokens(request.prompt), len(text.split()), 1)
        return Completion(text, "length" if finish else "stop", usage)

    def _wait(self, context: Context | None) -> None:
        if context is not None:
            context.check()
        if self._delay:
            time.sleep(self._delay)


def _text(prompt: tuple[Message, ...] | str) -> str:
    return prompt if isinstance(prompt, str) else "\n".join(each.content for each in prompt)


def _echo(request: Request) -> str:
    held_to = request.constraint
    if isinstance(held_to, Quotes):
        if not held_to.texts:
            return held_to.abstention or ""
        return _first_words(held_to.texts[0].strip(), held_to.max_words)
    if held_to is not None:
        raise GenerationError(f"The echo generator can't hold its output to a {type(held_to).__name__}.")
    return request.prompt if isinstance(request.prompt, str) else request.prompt[-1].content


def _next(script: Iterator[str], request: Request) -> str:
    answer = next(script, None)
    if answer is None:
        raise GenerationError("The scripted generator has no answer left.", "Give it more answers.")
    held_to = request.constraint
    if isinstance(held_to, Quotes) and answer != held_to.abstention and not _quoted(answer, held_to):
        raise GenerationError(f"The scripted answer {answer!r} is no run of whole words of a quote.")
    return answer


def _quoted(answer: str, held_to: Quotes) -> bool:
    words = answer.split()
    run = re.compile(rf"(?<!\S){re.escape(answer)}(?!\S)")
    return 0 < len(words) <= held_to.max_words and any(run.search(each) for each in held_to.texts)


def _cut(answer: str, request: Request) -> tuple[str, bool]:
    ends = [at for at in (answer.find(each) for each in request.stop if each) if at >= 0]
    answer = answer[: min(ends)] if ends else answer
    shorter = _first_words(answer, request.max_tokens)
    return (shorter, True) if shorter != answer.rstrip() else (answer, False)


def _first_words(text: str, most: int) -> str:
    ends = [each.end() for each in re.finditer(r"\S+", text)][:most]
    return text[: ends[-1]] if ends else ""
