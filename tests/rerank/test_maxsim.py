"""Late interaction over the hash embedder: equal words have equal vectors."""

import numpy as np
import pytest

from ragbraid.errors import InputError
from ragbraid.rerank.maxsim import PRIOR, Maxsim
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


def test_score_is_the_mean_of_the_best_matches() -> None:
    asked, passage = EMBEDDER.token_vectors(["iron melts", "iron melts early"])
    assert maxsim(asked, passage) == pytest.approx(1.0, abs=1e-5)
    (hit,) = Maxsim(EMBEDDER)("iron melts", hits("iron melts early"), 1)
    assert hit.score == pytest.approx(1 + PRIOR / 61, abs=1e-5)


def test_only_the_pool_is_scored_and_the_rest_dropped() -> None:
    many = hits(*(f"text {at}" for at in range(8)))
    assert len(Maxsim(EMBEDDER, candidates=3)("text", many, 2)) == 3
    assert len(Maxsim(EMBEDDER, candidates=3)("text", many, 5)) == 5


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
