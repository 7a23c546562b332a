"""Pairs of words: two that stand side by side in question and passage."""

from __future__ import annotations

from ragbraid.rerank.bigrams import Bigrams
from ragbraid.testing.reranker import RerankerConformance
from ragbraid.types import Hit


class TestBigrams(RerankerConformance):
    stage = "bigrams"

    def make(self) -> Bigrams:
        return Bigrams()


def found(question: str, *texts: str, **title: str) -> dict[str, float]:
    hits = [Hit(f"h{at}", "s", 0, len(text), text, metadata=title) for at, text in enumerate(texts)]
    return {hit.id: hit.score for hit in Bigrams()(question, hits, 10)}


def test_a_pair_is_more_than_its_words() -> None:
    scores = found(
        "What is a boundary layer?",
        "The layer of dust lay on the boundary.",
        "Heat in boundary layers was measured.",
        "A cake has a layer.",
    )
    assert list(scores) == ["h1", "h0", "h2"]
    assert scores["h1"] > scores["h0"] == scores["h2"] == 0


def test_stop_words_between_them_do_not_part_a_pair() -> None:
    assert found("speed of sound", "The sound barrier.", "The speed of the sound.")["h1"] > 0


def test_a_rare_pair_weighs_more() -> None:
    scores = found(
        "wing lift and engine noise", "Wing lift.", "Engine noise.", "Engine noise again.", "Engine noise!"
    )
    assert scores["h0"] > scores["h1"] > 0


def test_the_title_counts() -> None:
    assert found("boundary layer", "It grows.", title="Boundary layers")["h0"] > 0


def test_scripts_without_spaces_have_pairs() -> None:
    scores = found("東京駅の出口", "東京駅は大きい。", "京都に行く。")
    assert scores["h0"] > scores["h1"] == 0
