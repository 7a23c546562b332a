"""Rankings by pairs of words: where two words of the question stand side by side in the passage too."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated, ClassVar

from annotated_types import Ge

from ragbraid.hits import ranked, under_titles
from ragbraid.text.bm25 import Bm25, idf
from ragbraid.text.question import check_question
from ragbraid.text.terms import language_of, passage_terms, terms
from ragbraid.types import Hit


@dataclass(frozen=True, slots=True)
class Bigrams:
    """Ranks hits again by BM25 over the question's pairs of neighbouring words.

    "boundary layer" and "layer of dust on the boundary" share two words with a question about boundary
    layers; only the first has them as a pair. Words are stemmed, stop words don't count, a hit's title and
    headings do, and how rare a pair is is told by the hits themselves. The first `max(k, candidates)` hits
    are scored, later ones dropped. By itself it says little (most passages have no pair at all); fuse it
    with the ranking that it was given.
    Source: Metzler & Croft, A Markov random field model for term dependencies, SIGIR 2005 (ordered windows).
    """

    candidates: Annotated[int, Ge(1)] = 100

    blocking: ClassVar[bool] = True

    def __call__(self, question: str, hits: list[Hit], k: int) -> list[Hit]:
        """The first hits in their new order, each with its score under `bigrams`; ties by id."""
        check_question(question)
        pool = hits[: max(k, self.candidates)]
        if not pool:
            return []
        language = language_of([question, *(hit.text for hit in pool[:5])])
        asked = {pair for pair in pairwise(terms(question, language)) if pair[0] != pair[1]}
        held = [passage_terms(under_titles(hit), language) for hit in pool]
        counts = [Counter(pair for pair in pairwise(each) if pair in asked) for each in held]
        found = Counter(pair for each in counts for pair in each)
        rarity = {pair: idf(found[pair], len(pool)) for pair in sorted(asked)}
        lengths = [len(each) for each in held]
        return ranked(pool, "bigrams", Bm25(counts, lengths).scores(rarity))
