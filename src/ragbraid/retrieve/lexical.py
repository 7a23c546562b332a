"""Retrieval by words: the chunks that share the question's rarest words."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Annotated, ClassVar, Literal

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

    With `operators: on` a question may hold phrases and say what must be there: `"pump valve"` is found
    word after word, `title:pump` and `heading:"pump valve"` in a document's title and a chunk's headings;
    `+word` must be there and `-word` must not; `AND`, `OR` and `NOT` in capitals, and brackets, put these
    together. A phrase must be there, too; other words add to the score, as they do without operators. No
    question is a syntax error: what isn't an operator where it stands is read as plain words.
    """

    index: Index
    candidates: Annotated[int, Ge(1)] = 30
    operators: Literal["off", "on"] = "off"

    blocking: ClassVar[bool] = True

    def __call__(self, question: Batch[str], k: int) -> Batch[list[Hit]]:
        """The best chunks of each question."""
        search = self.index.search_text
        if self.operators == "on":
            search = partial(search, operators=True)
        return each_valid(question, search, max(k, self.candidates))
