"""Relevance feedback by meaning: the question's vector, moved towards those of the best hits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

from annotated_types import Ge

from ragbraid.hits import ranked
from ragbraid.index.protocol import Index
from ragbraid.rerank.vectors import vectors_of
from ragbraid.text.question import check_question
from ragbraid.types import Hit


@dataclass(frozen=True, slots=True)
class Rocchio:
    """Ranks hits again by their nearness to the question and to the best of them.

    To the question's vector the mean of the first `feedback` hits' is added, `weight` times; the first
    `max(k, candidates)` hits are scored by the cosine with the sum, later ones dropped. The vectors are the
    `index`'s own, so this costs no pass of the embedder but the question's. Source: Rocchio, in Salton (ed.),
    The SMART Retrieval System, 1971, chapter 14. Raises `IndexStoreError` where the index has no vectors.
    """

    index: Index
    feedback: Annotated[int, Ge(1)] = 5
    weight: Annotated[float, Ge(0)] = 1.0
    candidates: Annotated[int, Ge(1)] = 100

    blocking: ClassVar[bool] = True

    def __call__(self, question: str, hits: list[Hit], k: int) -> list[Hit]:
        """The first hits in their new order, each with its score under `rocchio`; ties by id."""
        check_question(question)
        pool = hits[: max(k, self.candidates)]
        if not pool:
            return []
        held = vectors_of(self.index, pool, "`rm3`, which goes by words")
        assert self.index.embedder is not None
        (asked,) = self.index.embedder.embed([question], "query")
        moved = asked + self.weight * held[: self.feedback].mean(axis=0)
        length = float((moved @ moved) ** 0.5) or 1.0
        scores = [float(each) for each in held @ (moved / length)]
        return ranked(pool, "rocchio", scores)
