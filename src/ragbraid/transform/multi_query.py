"""The `multi-query` transform: one question in several wordings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

from annotated_types import Ge, Le

from ragbraid.context import Context
from ragbraid.generate.protocol import Generator
from ragbraid.text.question import check_question
from ragbraid.transform.writing import askable, written

_ASKED = (
    "Write this question in {count} other wordings, each with other words for the same thing. "
    "Reply with a JSON array of texts.\n\nQuestion: {question}"
)


@dataclass(frozen=True, slots=True)
class MultiQuery:
    """Asks the same in other words: the question itself first, then up to `count` wordings of a generator's.

    A flow maps a search over them and fuses what it finds (`interleave`). The generator is held to a JSON
    array of at most `max_tokens`; what repeats the question is left out. Source: Rackauckas,
    RAG-Fusion, 2024.

    Raises `InputError` for an empty question, and whatever the generator fails with.
    """

    generator: Generator
    count: Annotated[int, Ge(1), Le(10)] = 3
    max_tokens: Annotated[int, Ge(1)] = 200

    blocking: ClassVar[bool] = True

    def __call__(self, question: str, context: Context) -> list[str]:
        """The wordings, the question as it was put first."""
        check_question(question)
        asked = _ASKED.format(count=self.count, question=question)
        others = written(self.generator, asked, self.count, self.max_tokens, context)
        return askable([question, *others], question, self.count + 1)
