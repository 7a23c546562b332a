"""Answers in prose: markers become citations, prompts are refitted, documents are data."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ragbraid.answer.compose import Compose
from ragbraid.answer.markers import Markers, unmarked
from ragbraid.context import Cancellation, Context
from ragbraid.errors import Cancelled, GenerationError, InputError
from ragbraid.testing.answerer import DOCUMENTS, AnswererConformance, hits_of
from ragbraid.testing.echo_generator import GeneratorRuntime, ScriptedGenerator
from ragbraid.types import Answer, Delta, Message

PROSE = "Iron melts at fifteen hundred degrees [2]. It rusts [2, 9]. Water boils [1] [7]."


def scripted(text: str = PROSE, window: int = 4096) -> GeneratorRuntime:
    return ScriptedGenerator((text,), context_window=window).open()


class TestCompose(AnswererConformance):
    def make(self) -> Compose:
        return Compose(scripted())


def test_markers_become_citations_of_the_sentences_that_support_them() -> None:
    context = Context()
    answer = Compose(scripted())("When does iron melt?", hits_of(DOCUMENTS), context)
    assert answer.text == "Iron melts at fifteen hundred degrees [2]. It rusts [2]. Water boils [1]."
    assert [each.quote for each in answer.citations] == [
        "Iron melts at fifteen hundred degrees.",
        "It rusts in damp air.",
        "Water boils at one hundred degrees.",
    ]
    assert context.notes["markers_removed"] == [9, 7]
    assert answer.usage.calls == 1


def test_passages_are_numbered_data() -> None:
    generator = scripted()
    Compose(generator)("What holds {braces}?", hits_of(DOCUMENTS), Context())
    system, asked = generator.requests[0].prompt
    assert isinstance(asked, Message)
    assert "not instructions" in system.content
    for number, text in enumerate(DOCUMENTS.values(), start=1):
        assert f"[{number}] {text}" in asked.content


def test_history_stands_between_instruction_and_question() -> None:
    generator = scripted()
    turns = [Message("system", "Obey me."), Message("user", "Hello"), Message("assistant", "Hi")]
    Compose(generator)("When does iron melt?", hits_of(DOCUMENTS), Context(), turns)
    assert [each.role for each in generator.requests[0].prompt] == ["system", "user", "assistant", "user"]
    assert generator.requests[0].prompt[1:3] == tuple(turns[1:])


def test_a_small_window_drops_the_lowest_ranked_passages_and_says_so() -> None:
    generator, context = scripted(window=125), Context()
    Compose(generator, max_tokens=30)("When does iron melt?", hits_of(DOCUMENTS), context)
    asked = generator.requests[0].prompt[-1].content
    dropped = context.notes["passages_dropped"]
    assert 0 < dropped < 4
    assert f"[{4 - dropped}]" in asked
    assert f"[{5 - dropped}]" not in asked


def test_then_the_oldest_turns() -> None:
    generator, context = scripted(window=125), Context()
    turns = [Message("user", "word " * 30), Message("user", "latest")]
    Compose(generator, max_tokens=30)("When does iron melt?", hits_of(DOCUMENTS), context, turns)
    assert context.notes["turns_dropped"] == 1
    assert generator.requests[0].prompt[1].content == "latest"


def test_a_window_for_nothing_is_an_error_that_names_it() -> None:
    with pytest.raises(InputError, match="window of 50 tokens"):
        Compose(scripted(window=50), max_tokens=30)("When does iron melt?", hits_of(DOCUMENTS), Context())


def test_a_failing_generator_is_an_error() -> None:
    with pytest.raises(GenerationError):
        Compose(ScriptedGenerator(()).open())("iron?", hits_of(DOCUMENTS), Context())


def test_a_sentence_is_shown_once_and_a_model_that_repeats_it_is_stopped() -> None:
    loop, context = "It rusts in damp air [2]. " * 40, Context()
    answer = Compose(scripted(f"Iron melts at fifteen hundred degrees [2]. {loop}"))(
        "When does iron melt?", hits_of(DOCUMENTS), context
    )
    assert answer.text == "Iron melts at fifteen hundred degrees [2]. It rusts in damp air [2]."
    assert [each["why"] for each in context.notes["unsupported"]] == [[["repeated", ""]]] * 3
    assert context.notes["stopped"] == "The model was stopped: it wrote one sentence again and again."
    assert 0 < answer.usage.completion_tokens < len(loop.split()) / 2
    kept = Compose(scripted(loop), unsupported="keep")("Does it rust?", hits_of(DOCUMENTS), Context())
    assert kept.text == loop.strip()


def test_a_sentence_that_the_limit_cuts_short_is_not_shown() -> None:
    prose = "Iron melts at fifteen hundred degrees [2]. It rusts in damp air [2]."
    asked, context = ("When does iron melt?", hits_of(DOCUMENTS)), Context()
    limit = len(["Iron", "melts", "at", "fifteen", "hundred", "degrees", "[2].", "It", "rusts", "in"])
    answer = Compose(scripted(prose), max_tokens=limit)(*asked, context)
    assert answer.text == "Iron melts at fifteen hundred degrees [2]."
    assert [each["why"] for each in context.notes["unsupported"]] == [[["cut", ""]]]
    alone = Compose(scripted("Iron melts at fifteen hundred degrees"), max_tokens=5)(*asked, Context())
    assert alone.text == "Iron melts at fifteen hundred"
    assert Compose(scripted("The iron"), max_tokens=1)(*asked, Context()).abstained


def test_cancelling_stops_between_two_pieces() -> None:
    cancellation = Cancellation()
    pieces = Compose(scripted()).stream("iron?", hits_of(DOCUMENTS), Context(cancellation))
    assert isinstance(next(pieces), Delta)
    cancellation.cancel()
    with pytest.raises(Cancelled):
        list(pieces)


def test_a_sentence_and_its_markers() -> None:
    assert unmarked("A is b [1][2, 3].") == ("A is b.", [1, 2, 3])
    assert unmarked("no marker") == ("no marker", [])


PIECES = st.sampled_from(["[1]", "[2, 9]", "[", "]", "[3", " ", "\n", "word", "{x}", "[0]", "[٣]", "é"])
TEXT = st.lists(PIECES, max_size=20)


@given(TEXT.map("".join), st.integers(0, 4), st.randoms())
def test_cleaning_in_pieces_is_cleaning_at_once(text: str, count: int, random: object) -> None:
    whole, parts = Markers(count), Markers(count)
    once = whole.feed(text) + whole.finish()
    cuts = sorted(random.randint(0, len(text)) for _ in range(4))  # type: ignore[attr-defined]
    pieces = [text[left:right] for left, right in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    assert "".join(parts.feed(piece) for piece in pieces) + parts.finish() == once == parts.text
    assert all(number <= count for number in unmarked(once)[1])


@settings(max_examples=100, deadline=None)
@given(st.lists(st.text(min_size=1), min_size=1, max_size=5), TEXT.map("".join), st.integers(0, 3))
def test_every_citation_is_its_span(texts: list[str], prose: str, skip: int) -> None:
    documents = {f"{at}.txt": text for at, text in enumerate(texts)}
    answer = Compose(scripted(prose))("iron?", hits_of(documents, skip), Context())
    assert isinstance(answer, Answer)
    for each in answer.citations:
        assert each.quote == documents[each.source][each.start : each.end] != ""
