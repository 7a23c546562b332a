"""Fusion by reciprocal ranks."""

from hypothesis import given
from hypothesis import strategies as st

from ragbraid.rerank.rrf import Rrf
from ragbraid.types import Hit


def hits(ids: str, stage: str = "dense") -> list[Hit]:
    return [Hit(each, each, 0, 1, "x", 9.0 - at, {stage: 9.0 - at}) for at, each in enumerate(ids)]


def test_scores_are_those_of_the_paper() -> None:
    fused = Rrf()([hits("ab"), hits("bc", "lexical")])
    assert [hit.id for hit in fused] == ["b", "a", "c"]
    assert [hit.score for hit in fused] == [1 / 62 + 1 / 61, 1 / 61, 1 / 62]
    assert fused[0].scores == {"dense": 8.0, "lexical": 9.0, "rrf": fused[0].score}


def test_ties_are_ordered_by_id() -> None:
    assert [hit.id for hit in Rrf()([hits("zc"), hits("ad")])] == ["a", "z", "c", "d"]


def test_a_hit_counts_once_in_a_list() -> None:
    assert [hit.score for hit in Rrf()([hits("aab")])] == [1 / 61, 1 / 62]


RANKINGS = st.lists(st.lists(st.sampled_from("abcdefgh"), unique=True).map("".join), max_size=4)


@given(RANKINGS)
def test_keeps_every_hit_and_the_order_of_lists_is_of_no_matter(rankings: list[str]) -> None:
    fused = [hit.id for hit in Rrf()([hits(each) for each in rankings])]
    assert sorted(fused) == sorted(set("".join(rankings)))
    turned = [(hit.id, hit.score) for hit in Rrf()([hits(each) for each in reversed(rankings)])]
    assert {each for each, _ in turned} == set(fused)
    if len(rankings) <= 2:
        assert [each for each, _ in turned] == fused
