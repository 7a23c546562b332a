"""A language model of another framework, as a generator."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Annotated, ClassVar, cast

from annotated_types import Ge

from ragbraid.bridge.blame import naming
from ragbraid.bridge.parts import part_of
from ragbraid.bridge.protocol import GeneratorPart
from ragbraid.code import Code
from ragbraid.context import Context
from ragbraid.errors import GenerationError, RagbraidError, Unsupported
from ragbraid.generate.protocol import Completion, Quotes, Request, Score
from ragbraid.generate.quote_grammar import is_quote
from ragbraid.generate.text_stream import StopStrings
from ragbraid.types import Message, Usage


@dataclass(frozen=True, slots=True)
class ForeignGenerator:
    """Generates text with a language model of another framework.

    Frameworks don't tell how much a model takes: `context_tokens` says it. A model that can't be held to
    quotes is asked all the same, and what is no quote becomes the abstention. It can't score given texts.
    """

    object: Code
    context_tokens: Annotated[int, Ge(64)] = field(default=8192)

    blocking: ClassVar[bool] = True

    def open(self) -> GeneratorRuntime:
        """The running generator. The object is made at the first request."""
        return GeneratorRuntime(self.object, self.context_tokens)


class GeneratorRuntime:
    """Implements `Generator` over the part. A cancelled request stops at the next piece."""

    scores_together = False

    def __init__(self, code: Code, context_window: int) -> None:
        self._code = code
        self.context_window = context_window

    @cached_property
    def _part(self) -> GeneratorPart:
        part: GeneratorPart = part_of(self._code)
        return part

    def count_tokens(self, prompt: tuple[Message, ...] | str) -> int:
        """An upper estimate: no token is shorter than a byte, and each message has a few of its own."""
        contents = [prompt] if isinstance(prompt, str) else [each.content for each in prompt]
        return sum(len(each.encode("utf-8", "surrogatepass")) + 8 for each in contents) + 8

    def generate(
        self, requests: Sequence[Request], *, context: Context | None = None
    ) -> list[Completion | Exception]:
        """Each request's completion or its own error, one after the other."""
        return [self._one(request, context) for request in requests]

    def _one(self, request: Request, context: Context | None) -> Completion | Exception:
        try:
            *_, completion = self.stream(request, context=context)
        except RagbraidError as error:
            return error
        return cast("Completion", completion)

    def stream(self, request: Request, *, context: Context | None = None) -> Iterator[str | Completion]:
        """Pieces as they come, then the completion; with quotes, one piece when it is known to be one."""
        if not isinstance(request.constraint, Quotes):
            yield from self._pieces(request, context)
            return
        *_, completion = self._pieces(request, context)
        quoted = _quoted(cast("Completion", completion), request.constraint, self._code.name)
        yield quoted.text
        yield quoted

    def _pieces(self, request: Request, context: Context | None) -> Iterator[str | Completion]:
        stops, said = StopStrings(request.stop), ""
        last = Completion("", usage=Usage(calls=1))
        with (
            naming(self._code, GenerationError),
            closing(cast("Pieces", self._part.stream(request))) as pieces,
        ):
            for piece in pieces:
                if context is not None:
                    context.check()
                if isinstance(piece, Completion):
                    last = piece
                    continue
                if text := stops.feed(piece):
                    said += text
                    yield text
                if stops.stopped:
                    break
        if rest := stops.end():
            said += rest
            yield rest
        yield replace(last, text=said, finish_reason="stop" if stops.stopped else last.finish_reason)

    def score(
        self,
        prompt: tuple[Message, ...] | str,  # noqa: ARG002
        continuations: Sequence[str],  # noqa: ARG002
        *,
        then: str | None = None,  # noqa: ARG002
        context: Context | None = None,  # noqa: ARG002
    ) -> list[Score]:
        """Raises `Unsupported`: no framework tells the probability of a given text."""
        raise Unsupported(f"{self._code.name} doesn't score given texts.", "Use type: local.")


class Pieces(Iterator[str | Completion]):
    """A generator's iterator, which can be closed."""

    def close(self) -> None: ...


def _quoted(completion: Completion, quotes: Quotes, name: str) -> Completion:
    """The completion where it is one of the quotes; else the abstention, or a `GenerationError`."""
    text = completion.text.strip()
    if text == quotes.abstention or is_quote(text, quotes):
        return replace(completion, text=text)
    if quotes.abstention is None:
        raise GenerationError(f"The answer of {name} is no quote of the passages.", "Use type: local.")
    return replace(completion, text=quotes.abstention)
