"""`example/recency` keeps the contract of a reranker, and orders by date as it says."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest

from ragbraid.testing.reranker import RerankerConformance
from ragbraid.types import Hit
from ragbraid_recency import Recency


class TestRecency(RerankerConformance):
    stage = "recency"
    reads_text = False

    def make(self) -> Recency:
        return Recency()


def ranked(recency: Recency, *hits: tuple[str, float, Any]) -> dict[str, float]:
    """Names, scores and dates → names with their scores under `recency`, best first."""
    made = [Hit(name, "s", 0, 1, "x", score, metadata={"date": day}) for name, score, day in hits]
    return {hit.id: hit.scores["recency"] for hit in recency("q", made, len(made))}


def test_each_half_life_halves_what_a_date_is_worth() -> None:
    scores = ranked(
        Recency(weight=1, half_life_days=10),
        ("new", 0, date(2025, 3, 21)), ("older", 9, "2025-03-11"), ("oldest", 5, datetime(2025, 3, 1)),
    )  # fmt: skip
    assert list(scores.items()) == [("new", 1), ("older", 0.5), ("oldest", 0.25)]


def test_relevance_is_weighed_against_the_date() -> None:
    hits = (("right", 30.0, "2020-01-01"), ("near", 29.0, "2025-01-01"), ("off", 0.0, "2025-01-01"))
    assert list(ranked(Recency(weight=0), *hits)) == ["right", "near", "off"]
    assert list(ranked(Recency(weight=0.3), *hits)) == ["near", "right", "off"]
    assert list(ranked(Recency(weight=1), *hits)) == ["near", "off", "right"]


def test_scores_may_be_negative_and_equal() -> None:
    assert list(ranked(Recency(), ("a", -9.0, None), ("b", -2.0, None))) == ["b", "a"]
    assert list(ranked(Recency(), ("a", 1.0, "2024-01-01"), ("b", 1.0, "2025-01-01"))) == ["b", "a"]


@pytest.mark.parametrize("nothing", [None, "soon", 2025, ["2025-01-01"], ""])
def test_what_is_no_date_counts_as_endlessly_old(nothing: Any) -> None:
    dated = ("old", 0, "1990-01-01"), ("new", 0, "2025-01-01")
    scores = ranked(Recency(weight=1), ("undated", 1, nothing), *dated)
    assert list(scores) == ["new", "old", "undated"]
    assert scores["undated"] == 0


def test_zones_are_honoured_and_the_order_of_the_undated_stays() -> None:
    early, late = "2025-01-01T23:00:00-03:00", datetime(2025, 1, 2, 3, tzinfo=UTC)
    assert list(ranked(Recency(weight=1), ("early", 0, early), ("late", 0, late))) == ["late", "early"]
    assert list(ranked(Recency(), ("b", 1, None), ("a", 1, None))) == ["b", "a"]


def test_the_clock_plays_no_part() -> None:
    hit = Hit("a", "s", 0, 1, "x", 1.0, metadata={"date": "1970-06-01"})
    (alone,) = Recency()("q", [hit], 1)
    assert alone == replace(hit, score=1.0, scores={"recency": 1.0})
