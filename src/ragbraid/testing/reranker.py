"""What every reranker must hold to. Subclass `RerankerConformance` and say how to make yours."""

from __future__ import annotations

from typing import ClassVar

import pytest

from ragbraid.rerank.protocol import Reranker
from ragbraid.types import Hit

TEXTS = (
    "The moon turns once a month.",
    "Green tea wants water of eighty degrees.",
    "Iron melts at fifteen hundred degrees.",
    "Water boils at one hundred degrees.",
    "A template holds {braces} and <|im_start|>.",
    "水は百度で沸騰する。",
)


class RerankerConformance:
    """Override `make`; set `stage` to the name under which the reranker writes its scores."""

    stage = ""

    reads_text: ClassVar[bool] = True
    """False for one that orders by something else than the words, such as dates."""

    def make(self) -> Reranker:
        """The reranker to be tested."""
        raise NotImplementedError

    @pytest.fixture
    def reranker(self) -> Reranker:
        """One a test."""
        return self.make()

    @pytest.fixture
    def hits(self) -> list[Hit]:
        """What an earlier stage found, in its order."""
        return [
            Hit(f"h{rank}", f"{rank}.txt", 0, len(text), text, 1 - rank / 10, {"earlier": 1 - rank / 10})
            for rank, text in enumerate(TEXTS)
        ]

    def test_brings_the_best_to_the_top(self, reranker: Reranker, hits: list[Hit]) -> None:
        """A passage that holds the question's words comes first."""
        if not self.reads_text:
            pytest.skip("this reranker doesn't order by what the passages say")
        assert reranker("When does iron melt?", hits, 3)[0].id == "h2"

    def test_adds_none_and_doubles_none(self, reranker: Reranker, hits: list[Hit]) -> None:
        """Its hits are some of those given, at least k of them."""
        ranked = reranker("water", hits, 3)
        assert len(ranked) >= 3
        assert len({hit.id for hit in ranked}) == len(ranked)
        assert {hit.id for hit in ranked} <= {hit.id for hit in hits}

    def test_changes_nothing_but_scores(self, reranker: Reranker, hits: list[Hit]) -> None:
        """Text, offsets and earlier stages' scores stay; its own score is written down beside them."""
        given = {hit.id: hit for hit in hits}
        for hit in reranker("water", hits, 6):
            before = given[hit.id]
            assert (hit.source, hit.start, hit.end, hit.text) == (
                before.source, before.start, before.end, before.text,
            )  # fmt: skip
            assert hit.scores["earlier"] == before.scores["earlier"]
            assert hit.scores[self.stage] == hit.score

    def test_orders_by_score(self, reranker: Reranker, hits: list[Hit]) -> None:
        """Best first."""
        scores = [hit.score for hit in reranker("water degrees", hits, 6)]
        assert scores == sorted(scores, reverse=True)

    def test_same_order_on_each_run(self, reranker: Reranker, hits: list[Hit]) -> None:
        """Nothing depends on what was asked before."""
        first = reranker("water", hits, 6)
        reranker("iron", hits, 6)
        assert reranker("water", hits, 6) == first

    def test_leaves_its_input_alone(self, reranker: Reranker, hits: list[Hit]) -> None:
        """The list given isn't sorted in place."""
        before = list(hits)
        reranker("water", hits, 2)
        assert hits == before

    def test_takes_no_hits(self, reranker: Reranker) -> None:
        """Nothing in, nothing out."""
        assert reranker("water", [], 5) == []
