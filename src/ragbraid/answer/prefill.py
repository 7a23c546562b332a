"""What `compose` will say first to its generator, said while the search runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ragbraid.answer.prompt import beginning
from ragbraid.context import Context
from ragbraid.errors import RagbraidError, Stopped
from ragbraid.generate.protocol import Generator, Request
from ragbraid.types import Message


@dataclass(frozen=True, slots=True)
class Prefilled:
    """That a generator has read the beginning of a prompt, of so many `tokens`; 0 where it didn't."""

    tokens: int


@dataclass(frozen=True, slots=True)
class Prefill:
    """Has the generator read the instruction and the conversation of `compose` while passages are looked for.

    It waits for no step, so it runs beside the search, and `compose` waits for it (its input `prefill`). A
    generator that keeps what prompts begin with then has the passages and the question left to read. Answers
    are the same. It pays where the search takes long, or a conversation is; on a server that others ask, it
    costs a place for one token. A generator that fails here is left to `compose`. Source: Jiang and others,
    PipeRAG, 2024, for the overlap.
    """

    generator: Generator

    blocking: ClassVar[bool] = True

    def __call__(self, context: Context, history: list[Message] | None = None) -> Prefilled:
        """How many tokens it has read."""
        prompt = beginning(history or ())
        try:
            tokens = self.generator.count_tokens(prompt)
            if tokens >= self.generator.context_window:
                return Prefilled(0)
            (got,) = self.generator.generate([Request(prompt, max_tokens=1)])
        except Stopped:
            raise
        except RagbraidError as error:
            got = error
        if isinstance(got, Exception):
            context.note("failed", str(got))
            return Prefilled(0)
        return Prefilled(tokens)
