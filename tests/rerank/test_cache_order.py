"""Passages in the order in which they were read before."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from ragbraid.rerank.cache_order import CacheOrder
from ragbraid.types import Hit
from soaking import count

NAMES = st.lists(st.sampled_from("abcdefgh"), unique=True, max_size=8)


def hits(names: str | list[str]) -> list[Hit]:
    return [Hit(each, f"{each}.txt", 0, 4, "text", 1.0 - at / 10) for at, each in enumerate(names)]


def names(found: list[Hit]) -> str:
    return "".join(hit.id for hit in found)


def test_the_longest_known_beginning_comes_first() -> None:
    step = CacheOrder(passages=3).open()
    assert names(step(hits("abcd"))) == "abcd"
    assert names(step(hits("cbax"))) == "abcx"
    assert names(step(hits("bxaz"))) == "abxz"
    assert names(step(hits("xba"))) == "abx"
    assert names(step(hits("cdx"))) == "cdx"
    assert names(step(hits("dcb"))) == "cdb"
    step.close()
    assert names(step(hits("dcb"))) == "dcb"


def test_what_is_long_forgotten_is_forgotten() -> None:
    step = CacheOrder(remembered=2).open()
    for each in ("ab", "cd", "ef"):
        step(hits(each))
    assert [names(step(hits(each))) for each in ("fe", "dc", "ba")] == ["ef", "cd", "ba"]


@settings(max_examples=count(60, 2000), deadline=None)
@given(asked=st.lists(NAMES, max_size=12), passages=st.integers(1, 8), remembered=st.integers(1, 5))
def test_no_hit_is_lost_and_one_order_is_kept(asked: list[list[str]], passages: int, remembered: int) -> None:
    step = CacheOrder(passages, remembered).open()
    for each in asked:
        given_, found = hits(each), step(hits(each))
        assert sorted(found, key=lambda hit: hit.id) == sorted(given_, key=lambda hit: hit.id)
        assert found[passages:] == given_[passages:]
        assert step(hits(each)) == found
