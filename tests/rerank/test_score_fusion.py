"""Fusion by scores: z-scores and relative scores."""

from __future__ import annotations

import math

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ragbraid.rerank.weighted import Weighted
from ragbraid.rerank.zscore import Zscore
from ragbraid.types import Hit


def hits(stage: str, **scores: float) -> list[Hit]:
    order = sorted(scores, key=lambda each: -scores[each])
    return [Hit(each, each, 0, 1, "x", scores[each], {stage: scores[each]}) for each in order]


def test_z_scores_are_summed() -> None:
    fused = Zscore()([hits("dense", a=3.0, b=2.0, c=1.0), hits("lexical", c=20.0, b=10.0)])
    deviation = math.sqrt(2 / 3)
    wanted = {"a": 1 / deviation - 1, "b": 0 - 1, "c": -1 / deviation + 1}
    assert {hit.id: hit.score for hit in fused} == pytest.approx(wanted)
    assert [hit.id for hit in fused] == ["a", "c", "b"]
    (c,) = [hit for hit in fused if hit.id == "c"]
    assert c.scores == {"dense": 1.0, "lexical": 20.0, "zscore": c.score}


def test_relative_scores_are_averaged() -> None:
    lists = [hits("dense", a=3.0, b=2.0, c=1.0), hits("lexical", c=20.0, b=10.0)]
    assert {hit.id: hit.score for hit in Weighted()(lists)} == {"a": 0.5, "b": 0.25, "c": 0.5}
    assert {hit.id: hit.score for hit in Weighted((3, 1))(lists)} == {"a": 0.75, "b": 0.375, "c": 0.25}


def test_weights_decide() -> None:
    lists = [hits("dense", a=2.0, b=1.0), hits("lexical", b=2.0, a=1.0)]
    for fusion in (Zscore, Weighted):
        assert [hit.id for hit in fusion()(lists)] == ["a", "b"]
        assert [hit.id for hit in fusion((1.0, 2.0))(lists)] == ["b", "a"]
        with pytest.raises(ValueError, match="there are 2 lists of hits and 3 `weights`"):
            fusion((1.0, 2.0, 3.0))(lists)
    with pytest.raises(ValueError, match="at least 0"):
        Weighted((1.0, -1.0))


@pytest.mark.parametrize("fusion", [Zscore(), Weighted()])
def test_lists_that_say_nothing_are_defined(fusion: Zscore | Weighted) -> None:
    assert fusion([]) == fusion([[], []]) == []
    (alone,) = fusion([hits("dense", a=0.3), []])
    assert math.isfinite(alone.score)
    equal = fusion([hits("dense", a=1.0, b=1.0), hits("lexical", b=5.0)])
    assert [hit.id for hit in equal] == ["b", "a"], "it was found twice"


SCORES = st.dictionaries(st.sampled_from("abcdef"), st.integers(-50, 50).map(float))


@given(st.lists(SCORES, max_size=3), st.floats(0.1, 9), st.integers(-20, 20))
def test_scale_and_origin_of_a_list_are_of_no_matter(
    lists: list[dict[str, float]], factor: float, shift: int
) -> None:
    assume(all(len(set(each.values())) > 1 for each in lists))
    for fusion in (Zscore(), Weighted()):
        plain = fusion([hits("s", **each) for each in lists])
        moved = fusion([hits("s", **{k: v * factor + shift for k, v in each.items()}) for each in lists])
        assert {each.id for each in plain} == {name for each in lists for name in each}
        now = {each.id: each.score for each in moved}
        assert {each.id: each.score for each in plain} == pytest.approx(now, abs=1e-6)
