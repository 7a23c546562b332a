"""Relevance feedback by words: the question, widened by the words of the best hits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar

from annotated_types import Ge, Le

from ragbraid.hits import ranked, under_titles
from ragbraid.index.protocol import Index
from ragbraid.text.bm25 import Bm25, idf
from ragbraid.text.question import check_question
from ragbraid.text.terms import language_of, passage_terms, surfaces, terms
from ragbraid.types import Hit

_COMMON = 0.3
"""A word that a larger share of all passages holds says nothing of what the best ones are about."""
_LOOKED_UP = 3
"""Candidates for a new term whose frequency is looked up, as a multiple of those that are taken."""


@dataclass(frozen=True, slots=True)
class Rm3:
    """Ranks hits again by BM25 for a question that the best of them have widened.

    The words of the first `feedback` hits, weighted by how often they occur there and how well the hit fits
    the question, join the question's own: the `terms` heaviest, which together weigh as much as the question
    where `original` is 0.5. A hit's words are those of its text, its document's title and its headings. The
    first `max(k, candidates)` hits are scored, later ones dropped. How rare a word is says the `index`.
    Source: Abdul-Jaleel et al., UMass at TREC 2004; Lavrenko & Croft, SIGIR 2001.
    """

    index: Index
    feedback: Annotated[int, Ge(1)] = 5
    terms: Annotated[int, Ge(1)] = 40
    original: Annotated[float, Ge(0), Le(1)] = 0.5
    candidates: Annotated[int, Ge(1)] = 100

    blocking: ClassVar[bool] = True

    def __call__(self, question: str, hits: list[Hit], k: int) -> list[Hit]:
        """The first hits in their new order, each with its score under `rm3`; ties by id."""
        check_question(question)
        pool = hits[: max(k, self.candidates)]
        if not pool:
            return []
        language = language_of([question, *(hit.text for hit in pool[:5])])
        held = [passage_terms(under_titles(hit), language) for hit in pool]
        bm25 = Bm25([Counter(each) for each in held], [len(each) for each in held])
        best = bm25.counts[: self.feedback]
        asked = Counter(terms(question, language))
        rarity = _Rarity(self.index, language, [question, *map(under_titles, pool[: self.feedback])])
        fits = bm25.scores(rarity.weighted(asked))
        widened = self._widened(asked, best, fits[: len(best)], rarity)
        return ranked(pool, "rm3", bm25.scores(rarity.weighted(widened)))

    def _widened(
        self, asked: Counter[str], best: Sequence[Mapping[str, int]], fits: Sequence[float], rarity: _Rarity
    ) -> dict[str, float]:
        """The weight of each term: the question's share, and that of the best hits."""
        whole = sum(fits) or 1.0
        found: dict[str, float] = {}
        for counts, fit in zip(best, fits, strict=True):
            length = sum(counts.values()) or 1
            for term, count in counts.items():
                found[term] = found.get(term, 0.0) + fit / whole * count / length
        near = sorted(found, key=lambda term: (-found[term], term))[: _LOOKED_UP * self.terms]
        shares = rarity.share(near)
        taken = [term for term in near if shares[term] <= _COMMON][: self.terms]
        total, said = sum(found[term] for term in taken) or 1.0, sum(asked.values()) or 1
        weights = {term: self.original * count / said for term, count in asked.items()}
        for term in taken:
            weights[term] = weights.get(term, 0.0) + (1 - self.original) * found[term] / total
        return weights


class _Rarity:
    """The index's word of how rare each term is, which it is asked for once."""

    def __init__(self, index: Index, language: str, texts: Sequence[str]) -> None:
        self._index = index
        self._passages = 0
        self._frequencies: dict[str, int] = {}
        # The index wants to be asked for words as they are written.
        self._surfaces: dict[str, str] = {}
        for text in texts:
            self._surfaces = surfaces(text, language) | self._surfaces

    def weighted(self, weights: Mapping[str, float]) -> dict[str, float]:
        """The weights, each times its term's idf."""
        self._look_up(weights)
        return {term: each * idf(self._frequencies[term], self._passages) for term, each in weights.items()}

    def share(self, terms: Sequence[str]) -> dict[str, float]:
        """The share of all passages that hold each term."""
        self._look_up(terms)
        return {term: self._frequencies[term] / (self._passages or 1) for term in terms}

    def _look_up(self, terms: Iterable[str]) -> None:
        missing = [each for each in terms if each not in self._frequencies]
        if missing:
            asked = [self._surfaces[each] for each in missing]
            self._passages, found = self._index.document_frequencies(asked)
            self._frequencies.update(zip(missing, found, strict=True))
