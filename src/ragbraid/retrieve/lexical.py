"""Retrieval by words: the chunks that share the question's rarest words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

from annotated_types import Ge

from ragbraid.index.protocol import Index
from ragbraid.retrieve.each import each_valid
from ragbraid.types import Batch, Hit


@dataclass(frozen=True, slots=True)
class Lexical:
    """Finds passages by words (BM25).

    Gives up to `max(k, candidates)` hits a question, best first, scored by BM25 under `lexical`; passages
    that share no word with the question aren't found. A question that is empty or too long gets an
    `InputError` of its own.
    """

    index: Index
    candidates: Annotated[int, Ge(1)] = 30

    blocking: ClassVar[bool] = True

    def __call__(self, question: Batch[str], k: int) -> Batch[list[Hit]]:
        """The best chunks of each question."""
        return each_valid(question, self.index.search_text, max(k, self.candidates))
