"""The `hyde` transform: a passage that might answer, to be searched for in the question's place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

from annotated_types import Ge

from ragbraid.context import Context
from ragbraid.generate.protocol import Generator
from ragbraid.text.question import LONGEST, check_question
from ragbraid.transform.writing import generated

_ASKED = "Write a short passage of a document that answers this question.\n\nQuestion: {question}"


@dataclass(frozen=True, slots=True)
class Hyde:
    """Gives the question with a passage of at most `max_tokens` behind it, which a generator invents.

    The passage needn't be right: it is in a document's words, so that `dense` finds those that are like it.
    It is for the search alone: give it an id of its own (`as: passage`), name it as the `question` of
    `dense`, and let the other steps keep the question. Source: Gao et al., Precise Zero-Shot Dense
    Retrieval without Relevance Labels, ACL 2023.

    Raises `InputError` for an empty question, and whatever the generator fails with.
    """

    generator: Generator
    max_tokens: Annotated[int, Ge(1)] = 100

    blocking: ClassVar[bool] = True

    def __call__(self, question: str, context: Context) -> str:
        """The question and the passage."""
        check_question(question)
        outcome = generated(self.generator, _ASKED.format(question=question), self.max_tokens, context)
        return f"{question}\n{outcome.text.strip()}"[:LONGEST].rstrip()
