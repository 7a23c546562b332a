"""Rankings as one, a hit of each in turn."""

from __future__ import annotations

from ragbraid.rerank.interleave import Interleave
from ragbraid.types import Hit


def ranking(names: str, stage: str) -> list[Hit]:
    return [
        Hit(each, f"{each}.txt", 0, 1, each, scores={stage: 1 / place}) for place, each in enumerate(names, 1)
    ]


def test_each_list_is_heard_in_turn_and_a_hit_once() -> None:
    found = Interleave()([ranking("abc", "one"), ranking("dax", "two"), ranking("e", "three")])
    assert "".join(hit.id for hit in found) == "adebcx"
    assert [hit.score for hit in found] == [1 / place for place in range(1, 7)]
    assert found[0].scores == {"one": 1.0, "two": 0.5, "interleave": 1.0}


def test_no_lists_give_no_hits() -> None:
    assert Interleave()([]) == []
    assert Interleave()([[], []]) == []
