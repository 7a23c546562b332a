"""Answers by the model alone: nothing is retrieved, and nothing cited."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar

from annotated_types import Ge

from ragbraid.answer.turns import Prompt, with_turns_that_fit
from ragbraid.context import Context
from ragbraid.errors import InputError
from ragbraid.generate.protocol import Completion, Generator, Request
from ragbraid.text.question import check_question
from ragbraid.types import Answer, Delta, Message, Usage


@dataclass(frozen=True, slots=True)
class Direct:
    """Answers with what the generator says by itself, for small talk and what needs no documents.

    No passage is read, so nothing is cited, nothing can be verified, and the confidence is 0. `instruction`
    is the system message; the conversation so far is shown to the model as far as it fits its window. An
    answer has at most `max_tokens` of the model's tokens. Raises `InputError` for an empty question and one
    that doesn't fit, and whatever the generator fails with.
    """

    generator: Generator
    instruction: str = "You are a helpful assistant. Answer briefly."
    max_tokens: Annotated[int, Ge(1)] = 200

    blocking: ClassVar[bool] = True

    def __call__(self, question: str, context: Context, history: list[Message] | None = None) -> Answer:
        """The whole answer at once."""
        *_, answer = self.stream(question, context, history)
        assert isinstance(answer, Answer)
        return answer

    def stream(
        self, question: str, context: Context, history: list[Message] | None = None
    ) -> Iterator[Delta | Answer]:
        """The model's words as they come, then the answer."""
        check_question(question)
        request = Request(self._prompt(question, history or (), context), max_tokens=self.max_tokens)
        text, usage = "", Usage()
        for piece in self.generator.stream(request):
            context.check()
            if isinstance(piece, Completion):
                usage = piece.usage
            else:
                text += piece
                yield Delta(piece)
        yield Answer(text, usage=usage)

    def _prompt(self, question: str, history: Sequence[Message], context: Context) -> Prompt:
        window, asked = self.generator.context_window, Message("user", question)

        def prompt(turns: Sequence[Message]) -> Prompt:
            return (Message("system", self.instruction), *turns, asked)

        whole = with_turns_that_fit(self.generator, history, window - self.max_tokens, prompt, context)
        if whole is None:
            raise InputError(
                f"The question doesn't fit into the generator's window of {window:,} tokens.",
                "Ask more briefly, lower `max_tokens`, or take a generator with a larger window.",
            )
        return whole
