"""What every retriever must hold to. Subclass `RetrieverConformance` and say how to make yours."""

from __future__ import annotations

import pytest

from ragbraid.errors import InputError
from ragbraid.retrieve.protocol import Retriever
from ragbraid.types import Batch, Hit

PASSAGES = {
    "water.txt": "Water boils at one hundred degrees.",
    "iron.txt": "Iron melts at fifteen hundred degrees.",
    "tea.txt": "Green tea wants water of eighty degrees.",
    "moon.txt": "The moon turns once a month.",
    "brackets.txt": "A template holds {braces} and [brackets].",
}


class RetrieverConformance:
    """Override `make`; set `stage` to the name under which the retriever writes its scores."""

    stage = ""

    def make(self, passages: dict[str, str]) -> Retriever:
        """A retriever over an index that holds these texts: source name → text, one chunk each."""
        raise NotImplementedError

    @pytest.fixture
    def retriever(self) -> Retriever:
        """One over `PASSAGES`."""
        return self.make(PASSAGES)

    def test_finds_the_passage_asked_for(self, retriever: Retriever) -> None:
        """The passage that says it comes first."""
        assert self._one(retriever, "iron melts degrees", 3)[0].source == "iron.txt"

    def test_gives_as_many_as_asked_for(self, retriever: Retriever) -> None:
        """At least min(k, what there is that matches), and every hit once."""
        hits = self._one(retriever, "degrees", 2)
        assert len(hits) >= 2
        assert len({hit.id for hit in hits}) == len(hits)

    def test_orders_by_score_and_writes_it_down(self, retriever: Retriever) -> None:
        """Best first; `score` is also in `scores`, under the stage's name."""
        hits = self._one(retriever, "water degrees", 5)
        assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
        assert all(hit.scores[self.stage] == hit.score for hit in hits)

    def test_same_answer_on_each_run(self, retriever: Retriever) -> None:
        """Ties have a fixed order."""
        assert self._one(retriever, "degrees", 5) == self._one(retriever, "degrees", 5)

    def test_a_batch_is_its_questions(self, retriever: Retriever) -> None:
        """Each question's hits are those that it gets alone."""
        questions = ["water", "iron", "moon"]
        together = retriever(Batch(questions), 3)
        for question, hits in zip(questions, together, strict=True):
            assert [hit.id for hit in hits] == [hit.id for hit in self._one(retriever, question, 3)]

    @pytest.mark.parametrize("blank", ["", "   \n", "\u200b"])
    def test_a_bad_question_harms_no_other(self, retriever: Retriever, blank: str) -> None:
        """Its element is an `InputError`, the neighbours' are their hits."""
        good, bad, after = retriever(Batch(["water", blank, "iron"]), 2)
        assert isinstance(bad, InputError)
        assert good
        assert after

    @pytest.mark.parametrize("question", ["{braces} [brackets]", 'run: AND ( " * ~', "😀", "a" * 5000])
    def test_no_text_is_a_syntax_error(self, retriever: Retriever, question: str) -> None:
        """Any text may be asked."""
        assert isinstance(self._one(retriever, question, 3), list)

    def _one(self, retriever: Retriever, question: str, k: int) -> list[Hit]:
        (hits,) = retriever(Batch([question]), k)
        return hits
