"""What was said before a question, as far as the generator's window holds it."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence

from ragbraid.context import Context
from ragbraid.generate.protocol import Generator
from ragbraid.types import Message

Prompt = tuple[Message, ...]


def spoken(history: Sequence[Message]) -> list[Message]:
    """The turns of user and assistant; a system message of the past is no instruction now."""
    return [each for each in history if each.role in ("user", "assistant")]


def that_may_fit(said: list[Message], room: int) -> list[Message]:
    """The latest turns, no more than `room`: no message is less than a token."""
    return said[max(0, len(said) - room) :]


def with_turns_that_fit(
    generator: Generator,
    history: Sequence[Message],
    room: int,
    prompt: Callable[[Sequence[Message]], Prompt],
    context: Context,
) -> Prompt | None:
    """The prompt with as many of the latest turns as leave it within `room` tokens, None where even none do.

    The trace says how many were dropped. A history of 10,000 turns takes some fourteen steps to halve.
    """
    said = spoken(history)
    turns = that_may_fit(said, room)

    def fits(dropped: int) -> bool:
        return generator.count_tokens(prompt(turns[dropped:])) <= room

    if not fits(0):
        dropped = bisect_left(range(len(turns)), True, lo=min(1, len(turns)), key=fits)
        turns = turns[dropped:]
        if not turns and not fits(dropped):
            return None
    if len(turns) < len(said):
        context.note("turns_dropped", len(said) - len(turns))
    return prompt(turns)
