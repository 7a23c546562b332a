"""What a run may take of a generator, and what it has taken: tokens and money."""

from __future__ import annotations

import threading
from dataclasses import dataclass

from ragbraid.errors import BudgetExceeded
from ragbraid.types import Usage

_MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class Limits:
    """A question's share: tokens of prompts and completions together, seconds, money; None is no limit.

    The prices are money for a million tokens.
    """

    tokens: int | None = None
    seconds: float | None = None
    money: float | None = None
    prompt_price: float = 0.0
    completion_price: float = 0.0

    def price(self, prompt: int, completion: int) -> float:
        """The money that so many tokens take."""
        return (prompt * self.prompt_price + completion * self.completion_price) / _MILLION


class Spending:
    """One run's account. Several requests may draw on it at once; each asks before it begins."""

    def __init__(self, limits: Limits, questions: int) -> None:
        self._limits, self._questions = limits, questions
        self._prompt = self._completion = 0
        self._lock = threading.Lock()

    def reserve(self, prompt: int, most: int) -> int:
        """Set a prompt's tokens aside and `most` of a completion, or as many as are left; returns these.

        Raises `BudgetExceeded` where not even one is left.
        """
        with self._lock:
            allowed = min(most, self._left(prompt))
            if allowed < min(1, most):
                raise BudgetExceeded(
                    f"The prompt has {prompt:,} tokens, which the budget of a question doesn't allow: "
                    f"{self._told()}.",
                    "Send less, or raise the budget.",
                )
            self._prompt += prompt
            self._completion += allowed
            return allowed

    def settle(self, prompt: int, allowed: int, used: Usage) -> None:
        """Put back what of a reservation wasn't used. Where no usage is told, all of it was."""
        if not used.prompt_tokens:
            return
        with self._lock:
            self._prompt += used.prompt_tokens - prompt
            self._completion += used.completion_tokens - allowed

    def told(self) -> dict[str, float]:
        """What was taken so far, for a trace."""
        with self._lock:
            found: dict[str, float] = {"tokens": self._prompt + self._completion}
            if self._limits.prompt_price or self._limits.completion_price:
                found["money"] = round(self._limits.price(self._prompt, self._completion), 9)
            return found

    def _left(self, prompt: int) -> int:
        """The completion's tokens that the budget has left after a prompt; below 0 where there's no room."""
        limits, left = self._limits, 2**31
        if limits.tokens is not None:
            left = limits.tokens * self._questions - self._prompt - self._completion - prompt
        if limits.money is not None:
            over = limits.money * self._questions - limits.price(self._prompt + prompt, self._completion)
            price = limits.completion_price / _MILLION
            # A thousandth of a token makes up for the rounding of what was taken off and put back.
            bought = left if not price and over >= 0 else -1 if over < 0 else int(over / price + 1e-3)
            left = min(left, bought)
        return left

    def _told(self) -> str:
        limits, told = self._limits, []
        taken = self._prompt + self._completion
        if limits.tokens is not None:
            told.append(f"{taken:,} of {limits.tokens * self._questions:,} tokens are taken")
        if limits.money is not None:
            money = limits.price(self._prompt, self._completion)
            told.append(f"{money:.6g} of {limits.money * self._questions:g} of the money is taken")
        return " and ".join(told)
