"""The `budget` generator."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Annotated, ClassVar, TypeVar

from annotated_types import Ge, Gt

from ragbraid.context import Cancellation, Context
from ragbraid.errors import BudgetExceeded, DeadlineExceeded
from ragbraid.generate.protocol import Completion, Generator, Request, Score
from ragbraid.generate.spending import Limits, Spending
from ragbraid.types import Message, Usage

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Budget:
    """Another generator, of which a question may take so much and no more.

    `tokens` are those of prompts and completions together, `seconds` run from the first request, and `money`
    is reckoned by `prompt_price` and `completion_price`, the money for a million tokens. All requests of a
    question draw on one budget; questions that are asked together have it as many times as they are.

    A prompt that alone is over what is left isn't sent: that is `BudgetExceeded`, as it is when the seconds
    are up, within a token. A completion is at most as long as what is left: it ends there like one at its
    `max_tokens`, with the `finish_reason` length. The trace tells what was taken. Prompts are fitted to
    `tokens` as they are to the context window. A generator that can only estimate a prompt's tokens, such as
    `openai`, is charged what the server says once it has answered.
    """

    blocking: ClassVar[bool] = True

    generator: Generator
    tokens: Annotated[int, Ge(1)] | None = None
    seconds: Annotated[float, Gt(0)] | None = None
    money: Annotated[float, Gt(0)] | None = None
    prompt_price: Annotated[float, Ge(0)] = 0.0
    completion_price: Annotated[float, Ge(0)] = 0.0

    def __post_init__(self) -> None:
        if self.tokens is None and self.seconds is None and self.money is None:
            raise ValueError("set tokens, seconds or money")
        if self.money is not None and not self.prompt_price and not self.completion_price:
            raise ValueError("money needs prompt_price or completion_price, the money for a million tokens")

    def open(self) -> BudgetRuntime:
        """The running generator."""
        limits = Limits(self.tokens, self.seconds, self.money, self.prompt_price, self.completion_price)
        return BudgetRuntime(self.generator, limits)


class BudgetRuntime:
    """Implements `Generator` by another one, within limits."""

    def __init__(self, generator: Generator, limits: Limits) -> None:
        self._generator, self._limits = generator, limits

    @property
    def context_window(self) -> int:
        """The generator's, or the budget's tokens where they are fewer."""
        window = self._generator.context_window
        return window if self._limits.tokens is None else min(window, self._limits.tokens)

    @property
    def scores_together(self) -> bool:
        """As the generator does."""
        return self._generator.scores_together

    def count_tokens(self, prompt: tuple[Message, ...] | str) -> int:
        """Tokens of the prompt, chat template included."""
        return self._generator.count_tokens(prompt)

    def generate(
        self, requests: Sequence[Request], *, context: Context | None = None
    ) -> list[Completion | Exception]:
        """Each request's completion or its own error; side by side as the generator has them."""
        with self._account(context) as (spending, within):
            asked = [self._asked(request, spending) for request in requests]
            sent = [each for each in asked if not isinstance(each, BudgetExceeded)]
            found = iter(self._generator.generate([request for request, _ in sent], context=within))
            outcomes: list[Completion | Exception] = []
            for each in asked:
                if isinstance(each, BudgetExceeded):
                    outcomes.append(each)
                    continue
                (request, prompt), outcome = each, next(found)
                used = outcome.usage if isinstance(outcome, Completion) else Usage(prompt)
                spending.settle(prompt, request.max_tokens, used)
                outcomes.append(self._told(outcome, context))
            return outcomes

    def stream(self, request: Request, *, context: Context | None = None) -> Iterator[str | Completion]:
        """Pieces of text, then the completion."""
        with self._account(context) as (spending, within):
            asked = self._asked(request, spending)
            if isinstance(asked, BudgetExceeded):
                raise asked
            allowed, prompt = asked
            used = Usage()  # what is dropped half-way is charged as it was set aside
            try:
                for piece in self._generator.stream(allowed, context=within):
                    if isinstance(piece, Completion):
                        used = piece.usage
                    yield piece
            finally:
                spending.settle(prompt, allowed.max_tokens, used)

    def score(
        self,
        prompt: tuple[Message, ...] | str,
        continuations: Sequence[str],
        *,
        then: str | None = None,
        context: Context | None = None,
    ) -> list[Score]:
        """How likely each continuation is; the prompt and their tokens are charged."""
        with self._account(context) as (spending, within):
            size = self._generator.count_tokens(prompt)
            spending.reserve(size, 0)
            scores = self._generator.score(prompt, continuations, then=then, context=within)
            spending.settle(size, 0, Usage(size, sum(each.tokens for each in scores)))
            return scores

    def _asked(self, request: Request, spending: Spending) -> tuple[Request, int] | BudgetExceeded:
        """The request with as long a completion as there is room for, and its prompt's tokens."""
        prompt = self._generator.count_tokens(request.prompt)
        try:
            return replace(request, max_tokens=spending.reserve(prompt, request.max_tokens)), prompt
        except BudgetExceeded as error:
            return error

    @contextmanager
    def _account(self, context: Context | None) -> Iterator[tuple[Spending, Context]]:
        """A run's account, and the context that its requests are made with."""
        run = context or Context()
        spending, cancellation = run.cancellation.kept(self, lambda: _opened(self._limits, run.cancellation))
        within = Context(cancellation, run.step, run.scope)
        try:
            yield spending, within
        except DeadlineExceeded as error:
            raise self._told(error, context) from error
        finally:
            for name, value in {**within.notes, "budget": spending.told()}.items():
                run.note(name, value)

    def _told(self, outcome: T, context: Context | None) -> T | BudgetExceeded:
        """An outcome, in the budget's words where it is the budget's time that was up."""
        if not isinstance(outcome, DeadlineExceeded) or self._limits.seconds is None:
            return outcome
        if context is not None and context.remaining() == 0.0:
            return outcome
        return BudgetExceeded(
            f"The {self._limits.seconds:g} seconds that a question may take of the generator are up.",
            "Ask for less, or raise the budget.",
        )


def _opened(limits: Limits, run: Cancellation) -> tuple[Spending, Cancellation]:
    """A run's account, and a cancellation with the account's deadline where there is one."""
    within = run if limits.seconds is None else Cancellation(limits.seconds, run.questions, whole=run)
    return Spending(limits, run.questions), within
