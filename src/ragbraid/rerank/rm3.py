"""Relevance feedback by words: the question, widened by the words of the best hits."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar

from annotated_types import Ge, Le

from ragbraid.hits import ranked
from ragbraid.index.protocol import Index
from ragbraid.text.question import check_question
from ragbraid.text.stopwords import STOP_WORDS
from ragbraid.text.terms import language_of, stem, words
from ragbraid.types import Hit

_K1, _B = 1.2, 0.75
_COMMON = 0.3
"""A word that a larger share of all passages holds says nothing of what the best ones are about."""
_LOOKED_UP = 3
"""Candidates for a new term whose frequency is looked up, as a multiple of those that are taken."""


@dataclass(frozen=True, slots=True)
class Rm3:
    """Ranks hits again by BM25 for a question that the best of them have widened.

    The words of the first `feedback` hits, weighted by how often they occur there and how well the hit fits
    the question, join the question's own: the `terms` heaviest, which together weigh as much as the question
    where `original` is 0.5. The first `max(k, candidates)` hits are scored, later ones dropped. How rare a
    word is says the `index`. Source: Abdul-Jaleel et al., UMass at TREC 2004; Lavrenko & Croft, SIGIR 2001.
    """

    index: Index
    feedback: Annotated[int, Ge(1)] = 5
    terms: Annotated[int, Ge(1)] = 40
    original: Annotated[float, Ge(0), Le(1)] = 0.5
    candidates: Annotated[int, Ge(1)] = 60

    blocking: ClassVar[bool] = True

    def __call__(self, question: str, hits: list[Hit], k: int) -> list[Hit]:
        """The first hits in their new order, each with its score under `rm3`; ties by id."""
        check_question(question)
        pool = hits[: max(k, self.candidates)]
        if not pool:
            return []
        language = language_of([question, *(hit.text for hit in pool[:5])])
        surfaces: dict[str, str] = {}
        held = [_counted(hit.text, language, surfaces) for hit in pool]
        asked = _counted(question, language, surfaces)
        statistics = _Statistics(self.index, held, surfaces)
        statistics.look_up(asked)
        fits = statistics.scores({term: float(count) for term, count in asked.items()})
        widened = self._widened(asked, held[: self.feedback], fits, statistics)
        scores = statistics.scores(widened)
        return ranked(pool, "rm3", scores)

    def _widened(
        self,
        asked: Counter[str],
        best: Sequence[Counter[str]],
        fits: Sequence[float],
        statistics: _Statistics,
    ) -> dict[str, float]:
        """The weight of each term: the question's share, and that of the best hits."""
        whole = sum(fits[: len(best)]) or 1.0
        found: Counter[str] = Counter()
        for counts, fit in zip(best, fits, strict=False):
            length = sum(counts.values()) or 1
            for term, count in counts.items():
                found[term] += fit / whole * count / length  # type: ignore[assignment]
        near = [term for term, _ in found.most_common(_LOOKED_UP * self.terms)]
        statistics.look_up(near)
        taken = [term for term in near if statistics.share(term) <= _COMMON][: self.terms]
        total, said = sum(found[term] for term in taken) or 1.0, sum(asked.values()) or 1
        weights = {term: self.original * count / said for term, count in asked.items()}
        for term in taken:
            weights[term] = weights.get(term, 0.0) + (1 - self.original) * found[term] / total
        return weights


class _Statistics:
    """BM25 over the pool, with the index's word of how rare each term is."""

    def __init__(self, index: Index, held: Sequence[Counter[str]], surfaces: Mapping[str, str]) -> None:
        self._index, self._held, self._surfaces = index, held, surfaces
        self._lengths = [sum(each.values()) for each in held]
        self._mean = sum(self._lengths) / len(held) or 1.0
        self._passages = 0
        self._frequencies: dict[str, int] = {}

    def look_up(self, terms: Sequence[str] | Counter[str]) -> None:
        """Ask the index for the terms that aren't known yet."""
        missing = [each for each in terms if each not in self._frequencies]
        if missing:
            asked = [self._surfaces[each] for each in missing]
            self._passages, found = self._index.document_frequencies(asked)
            self._frequencies.update(zip(missing, found, strict=True))

    def share(self, term: str) -> float:
        """The share of all passages that hold a term."""
        return self._frequencies[term] / (self._passages or 1)

    def scores(self, weights: Mapping[str, float]) -> list[float]:
        """Each hit's BM25 for weighted terms."""
        idf = {term: weight * self._rarity(term) for term, weight in weights.items()}
        found = []
        for counts, length in zip(self._held, self._lengths, strict=True):
            norm = _K1 * (1 - _B + _B * length / self._mean)
            found.append(
                math.fsum(
                    worth * counts[term] * (_K1 + 1) / (counts[term] + norm)
                    for term, worth in idf.items()
                    if term in counts
                )
            )
        return found

    def _rarity(self, term: str) -> float:
        frequency = self._frequencies[term]
        return math.log(1 + (max(self._passages - frequency, 0) + 0.5) / (frequency + 0.5))


def _counted(text: str, language: str, surfaces: dict[str, str]) -> Counter[str]:
    """The text's terms with their counts; a word of each is kept, as the index wants to be asked."""
    stop = STOP_WORDS.get(language, frozenset())
    counts: Counter[str] = Counter()
    for word in words(text):
        if word not in stop:
            term = stem(word, language)
            surfaces.setdefault(term, word)
            counts[term] += 1
    return counts
