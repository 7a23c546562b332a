"""A generator asked of each hit whether it answers the question."""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import closing

import pytest

from ragbraid.context import Cancellation, Context
from ragbraid.errors import Cancelled, GenerationError
from ragbraid.generate.llama_cpp import LlamaCpp
from ragbraid.generate.protocol import Completion, Request
from ragbraid.rerank.llm import Llm
from ragbraid.rerank.protocol import Reranker
from ragbraid.testing.echo_generator import GeneratorRuntime, ScriptedGenerator
from ragbraid.testing.reranker import TEXTS, RerankerConformance
from ragbraid.text.terms import terms
from ragbraid.types import Hit, Message


class Judging(GeneratorRuntime):
    """Says yes as surely as the passage has the question's words."""

    def __init__(self, window: int = 4096) -> None:
        super().__init__(window, 0.0)
        self.asked: list[str] = []

    def generate(
        self, requests: Sequence[Request], *, context: Context | None = None
    ) -> list[Completion | Exception]:
        found: list[Completion | Exception] = []
        for each in requests:
            assert not isinstance(each.prompt, str)
            said = each.prompt[-1].content
            self.asked.append(said)
            passage, _, question = said.removeprefix("Passage: ").partition("\n\nQuestion: ")
            wanted = set(terms(question.partition("\n")[0], "en"))
            sure = 0.01 + 0.9 * len(wanted & set(terms(passage, "en"))) / max(len(wanted), 1)
            told = {" Yes": math.log(sure * 0.6), "yes": math.log(sure * 0.4), "No": math.log(1 - sure)}
            found.append(Completion("Yes", alternatives=told if each.alternatives else {}))
        return found


class Bound:
    """The reranker as a step has it: with a context of its own."""

    def __init__(self, llm: Llm) -> None:
        self._llm = llm

    def __call__(self, question: str, hits: list[Hit], k: int) -> list[Hit]:
        return self._llm(question, hits, k, Context())


class TestLlmConforms(RerankerConformance):
    stage = "llm"

    def make(self) -> Reranker:
        return Bound(Llm(Judging()))


def hits(*texts: str) -> list[Hit]:
    return [Hit(str(at), "s", 0, len(text), text, 1.0) for at, text in enumerate(texts)]


def test_the_score_is_yes_against_no() -> None:
    (first, second) = Bound(Llm(Judging()))("iron melts", hits("Cats sleep.", "Iron melts."), 2)
    assert (first.id, second.id) == ("1", "0")
    assert first.score == pytest.approx(0.91)
    assert second.score == pytest.approx(0.01)


def test_without_probabilities_yes_comes_before_no() -> None:
    generator = ScriptedGenerator(("No.", "Yes", "maybe", "yes, it does", "no", "yes")).open()
    ranked = Bound(Llm(generator))("q", hits(*"abcdef"), 6)
    assert [(each.id, each.score) for each in ranked] == [
        ("1", 1.0), ("3", 1.0), ("5", 1.0), ("0", 0.0), ("2", 0.0), ("4", 0.0),
    ]  # fmt: skip


def test_a_model_that_says_neither_is_undecided() -> None:
    class Odd(Judging):
        def generate(self, requests, *, context=None):  # type: ignore[no-untyped-def]
            return [Completion("The", alternatives={"The": -0.1, "A": -3.0}) for _ in requests]

    assert [each.score for each in Bound(Llm(Odd()))("q", hits("a", "b"), 2)] == [0.5, 0.5]


def test_only_candidates_are_asked_about_but_never_fewer_than_k() -> None:
    generator = Judging()
    assert len(Bound(Llm(generator, candidates=3))("q", hits(*"abcdefgh"), 2)) == 3
    assert len(generator.asked) == 3
    assert len(Bound(Llm(generator, candidates=3))("q", hits(*"abcdefgh"), 7)) == 7


def test_a_long_passage_is_cut_to_the_window_and_the_question_is_not() -> None:
    generator = Judging(window=60)
    Bound(Llm(generator))("Where does it end?", hits("word " * 500), 1)
    (asked,) = generator.asked
    assert "Where does it end?" in asked
    assert generator.count_tokens((Message("user", asked),)) < 60


def test_a_failure_is_the_questions() -> None:
    with pytest.raises(GenerationError, match="no answer left"):
        Bound(Llm(ScriptedGenerator(()).open()))("q", hits("a"), 1)


def test_stops_when_cancelled() -> None:
    cancellation = Cancellation()
    cancellation.cancel()
    with pytest.raises(Cancelled):
        Llm(Judging())("q", hits("a"), 1, Context(cancellation))


@pytest.mark.model
def test_a_real_model_tells_probabilities() -> None:
    with closing(LlamaCpp(context_tokens=1024).open()) as generator:
        ranked = Bound(Llm(generator))("When does iron melt?", hits(*TEXTS[:3]), 3)
        assert len({each.score for each in ranked}) == 3
        assert all(0 < each.score < 1 for each in ranked)
        assert Bound(Llm(generator))("When does iron melt?", hits(*TEXTS[:3]), 3) == ranked
