"""Late interaction over the hash embedder: equal words have equal vectors."""

from dataclasses import replace

import numpy as np
import pytest

from ragbraid.errors import InputError
from ragbraid.rerank.maxsim import Maxsim
from ragbraid.testing.hash_embedder import HashEmbedder
from ragbraid.testing.reranker import RerankerConformance
from ragbraid.text.late import maxsim, span_scores
from ragbraid.types import Hit

EMBEDDER = HashEmbedder(dimensions=256).open()


class TestMaxsim(RerankerConformance):
    stage = "maxsim"

    def make(self) -> Maxsim:
        return Maxsim(EMBEDDER)


def hits(*texts: str) -> list[Hit]:
    return [Hit(f"h{at}", "s", 0, len(text), text) for at, text in enumerate(texts)]


def test_the_mean_of_the_best_matches_decides() -> None:
    asked, passage = EMBEDDER.token_vectors(["iron melts", "iron melts early"])
    assert maxsim(asked, passage) == pytest.approx(1.0, abs=1e-5)
    found = Maxsim(EMBEDDER)("iron melts", hits("tea is green", "iron is green", "iron melts early"), 3)
    assert [hit.id for hit in found] == ["h2", "h1", "h0"]
    assert sum(hit.score for hit in found) == pytest.approx(0, abs=1e-6), "z-scores: their mean is 0"


def test_the_score_that_hits_came_with_counts_as_much_as_their_words() -> None:
    tea, iron = hits("tea", "iron melts")
    pair = [replace(tea, score=9.0), replace(iron, score=1.0)]
    even, words, before = (Maxsim(EMBEDDER, weight=each)("iron melts", pair, 2) for each in (1, 2, 0.5))
    assert [hit.score for hit in even] == pytest.approx([0, 0], abs=1e-6)
    assert [hit.id for hit in words] == ["h1", "h0"]
    assert [hit.id for hit in before] == ["h0", "h1"]


def test_what_is_not_scored_stays_below_in_its_order() -> None:
    many = hits("iron", "tea", *(f"iron melts {at}" for at in range(6)))
    assert len(Maxsim(EMBEDDER, candidates=3)("iron melts", many, 2)) == 3
    found = Maxsim(EMBEDDER, candidates=3)("iron melts", many, 6)
    assert [hit.id for hit in found] == ["h2", "h0", "h1", "h3", "h4", "h5"]
    assert [hit.score for hit in found] == sorted((hit.score for hit in found), reverse=True)


def test_equal_passages_keep_their_order() -> None:
    assert [hit.id for hit in Maxsim(EMBEDDER)("same", hits("same", "same", "same"), 3)] == ["h0", "h1", "h2"]


def test_an_empty_question_is_refused() -> None:
    with pytest.raises(InputError):
        Maxsim(EMBEDDER)("\u200b", hits("a"), 1)


def test_spans_are_scored_by_their_own_tokens() -> None:
    text = "Tea is green. Iron melts."
    asked, passage = EMBEDDER.token_vectors(["iron melts", text])
    tea, iron, nothing = span_scores(asked, passage, [(0, 13), (14, 25), (30, 40)])
    assert iron[0] == pytest.approx(1.0, abs=1e-5)
    assert iron[1] > tea[1]
    assert tea[0] < 0.9
    assert nothing == (0.0, 0.0)
    empty = EMBEDDER.token_vectors([""])[0]
    assert span_scores(empty, passage, [(0, 5)]) == [(0.0, 0.0)]
    assert np.isfinite(maxsim(empty, passage))
