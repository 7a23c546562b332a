"""Hits cut down to the sentences that bear on the question."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

from annotated_types import Ge, Gt, Le

from ragbraid.hits import cut
from ragbraid.text.question import check_question
from ragbraid.text.sentences import sentences
from ragbraid.text.terms import language_of, terms
from ragbraid.types import Hit


@dataclass(frozen=True, slots=True)
class Compress:
    """Cuts each hit to the run of at most `sentences` sentences that shares most with the question.

    A sentence counts by the question's words in it, rarer ones among the hits' sentences more; a run is the
    shortest of the best, and one sentence more on each side is kept where it has at least `share` of the best
    sentence's worth. The text stays one exact span of the document, so citations of it can be verified. A hit
    that shares no word with the question stays as it is: it was found by its meaning. Order and scores don't
    change. Source: Xu et al., RECOMP, ICLR 2024 (extractive compression); here by words, without a model.
    """

    sentences: Annotated[int, Ge(1)] = 4
    share: Annotated[float, Gt(0), Le(1)] = 0.25

    blocking: ClassVar[bool] = True

    def __call__(self, question: str, hits: list[Hit]) -> list[Hit]:
        """The hits, cut."""
        check_question(question)
        language = language_of([question, *(hit.text for hit in hits[:5])])
        asked = set(terms(question, language))
        spans = [sentences(hit.text) for hit in hits]
        held = [
            [asked & set(terms(hit.text[slice(*span)], language)) for span in each]
            for hit, each in zip(hits, spans, strict=True)
        ]
        total = 1 + sum(len(each) for each in held)
        counts = {term: sum(term in one for each in held for one in each) for term in asked}
        weights = {term: 1.0 - counts[term] / total for term in asked}
        worth = [[sum(weights[term] for term in one) for one in each] for each in held]
        return [self._cut(*each) for each in zip(hits, spans, worth, strict=True)]

    def _cut(self, hit: Hit, spans: list[tuple[int, int]], worth: list[float]) -> Hit:
        if len(spans) <= 1 or not any(worth):
            return hit
        first = last = max(range(len(worth)), key=lambda at: (worth[at], -at))
        least = self.share * worth[first]
        while last - first + 1 < self.sentences:
            left = worth[first - 1] if first else -1.0
            right = worth[last + 1] if last + 1 < len(worth) else -1.0
            if max(left, right) < least:
                break
            first, last = (first - 1, last) if left > right else (first, last + 1)
        return cut(hit, spans[first][0], spans[last][1])
