"""Answers by quotation: what is quoted, what the model adds, and what is said when nothing is found."""

import hashlib
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ragbraid.answer.quote import Quote
from ragbraid.context import Context
from ragbraid.errors import Cancelled, GenerationError, IndexDamaged, ModelMissing
from ragbraid.generate.protocol import Completion, Quotes, Request
from ragbraid.testing.answerer import AnswererConformance, all_citations, hits_of
from ragbraid.testing.echo_generator import EchoGenerator, GeneratorRuntime, ScriptedGenerator
from ragbraid.testing.hash_embedder import HashEmbedder
from ragbraid.types import Answer, Hit

EMBEDDER = HashEmbedder(dimensions=256).open()
TEXT = (
    "The foundry was built in 1871. Iron melts at fifteen hundred degrees. Workers came from the hills. "
    "They were paid in silver."
)


class TestQuote(AnswererConformance):
    def make(self) -> Quote:
        return Quote(EchoGenerator().open())


class TestQuoteWithEmbedder(AnswererConformance):
    def make(self) -> Quote:
        return Quote(EchoGenerator().open(), embedder=EMBEDDER)


class Failing(GeneratorRuntime):
    """A generator whose every request comes back as the same error."""

    def __init__(self, error: Exception, *, raised: bool = False) -> None:
        super().__init__(4096, 0.0)
        self.error, self.raised = error, raised

    def generate(
        self, requests: Sequence[Request], *, context: object = None
    ) -> list[Completion | Exception]:
        if self.raised:
            raise self.error
        return [self.error for _ in requests]


def ask(quote: Quote, question: str, text: str = TEXT, context: Context | None = None) -> Answer:
    return quote(question, hits_of({"a.txt": text}), context or Context())


def test_quotes_the_sentence_that_says_it() -> None:
    answer = ask(Quote(), "When does iron melt?")
    assert answer.citations[0].quote == "Iron melts at fifteen hundred degrees."
    assert answer.text == "\n".join(each.quote for each in answer.citations)
    assert not answer.abstained
    assert answer.short is None


def test_a_high_price_leaves_one_sentence_and_none_leaves_three() -> None:
    assert len(ask(Quote(price=1.0), "When does iron melt?").citations) == 1
    free = ask(Quote(price=0.0, abstain="never"), "degrees silver hills")
    assert sum(each.quote.count(".") for each in free.citations) == 3


def test_neighbouring_sentences_become_one_quote() -> None:
    answer = ask(Quote(price=0.0, max_sentences=4, abstain="never"), "iron")
    assert [each.quote for each in answer.citations] == [TEXT]


def test_the_model_is_held_to_the_quotes_and_its_words_are_placed() -> None:
    generator = ScriptedGenerator(("fifteen hundred degrees.",)).open()
    answer = ask(Quote(generator), "When does iron {melt}?")
    assert answer.short == "fifteen hundred degrees"
    assert answer.short_citation is not None
    assert TEXT[answer.short_citation.start : answer.short_citation.end] == answer.short
    assert answer.usage.calls == 1
    (request,) = generator.requests
    assert request.constraint == Quotes(tuple(each.quote for each in answer.citations), 12)
    assert "iron {melt}?" in request.prompt[-1].content


@pytest.mark.parametrize(
    ("said", "short"),
    [
        ("(Rollo),", "(Rollo)"),
        ("9 p.m.", "9 p.m."),
        ("silver.", "silver"),
        ("Rollo),", "Rollo"),
        ("“so”", "“so”"),
    ],
)
def test_short_sheds_the_punctuation_of_its_sentence(said: str, short: str) -> None:
    quote = Quote(ScriptedGenerator((said,)).open(), abstain="never")
    answer = ask(quote, "x", f"It says {said} then goes on")
    assert answer.short == short


class Listening(Failing):
    """Keeps the constraints that it was asked under."""

    def generate(
        self, requests: Sequence[Request], *, context: object = None
    ) -> list[Completion | Exception]:
        self.texts = [each.constraint.texts for each in requests if isinstance(each.constraint, Quotes)]
        return super().generate(requests, context=context)


def test_short_stays_within_a_sentence() -> None:
    listening = Listening(GenerationError("Nothing."))
    text = "Cafés may serve iron water. Iron water is drunk hot."
    answer = ask(Quote(listening, abstain="never", price=0.0), "Who may serve iron water, and how?", text)
    assert [each.quote for each in answer.citations] == [text]
    assert listening.texts == [("Cafés may serve iron water.", "Iron water is drunk hot.")]


def test_why_marks_nothing_where_it_abstains() -> None:
    hits = hits_of({"a.txt": TEXT})
    question = "Which pony won the race?"
    assert Quote(abstain="strict")(question, hits, Context()).abstained
    assert not any(each.chosen for each in Quote(abstain="strict").why(question, hits))
    assert any(each.chosen for each in Quote(abstain="never").why(question, hits))


def test_short_can_be_switched_off() -> None:
    generator = EchoGenerator().open()
    assert ask(Quote(generator, short=False), "When does iron melt?").short is None
    assert not generator.requests


@pytest.mark.parametrize("raised", [True, False])
def test_a_failing_generator_keeps_the_quotes(raised: bool) -> None:
    context = Context()
    generator = Failing(GenerationError("Out of memory."), raised=raised)
    answer = ask(Quote(generator), "When does iron melt?", context=context)
    assert answer.citations
    assert answer.short is None
    assert "Out of memory" in context.notes["short"]


@pytest.mark.parametrize("error", [ModelMissing("No model.", "Fetch it."), Cancelled("Stop.")])
@pytest.mark.parametrize("raised", [True, False])
def test_an_absent_model_and_a_cancelled_run_are_said(error: Exception, raised: bool) -> None:
    with pytest.raises(type(error)):
        ask(Quote(Failing(error, raised=raised)), "When does iron melt?")


@pytest.mark.parametrize("embedder", [None, EMBEDDER])
def test_abstains_off_the_topic_and_says_what_came_nearest(embedder: object) -> None:
    generator = EchoGenerator().open()
    quote = Quote(generator, embedder=embedder)  # type: ignore[arg-type]
    answer = ask(quote, "Which parrots live around Lake Victoria?")
    assert answer.abstained
    assert answer.confidence < 0.5
    assert "a.txt, page 1" in answer.text
    assert answer.citations == ()
    assert answer.hits
    assert not generator.requests


def test_never_abstains_when_told_so() -> None:
    assert not ask(Quote(abstain="never"), "Which parrots live there?").abstained


def test_a_title_stands_for_what_a_sentence_leaves_out() -> None:
    plain = [
        Hit("1", "a", 0, 25, "It was founded long since", metadata={"title": "The Lima Observatory"}),
        Hit("2", "b", 0, 25, "It was founded very early", metadata={"title": "The Oslo Observatory"}),
    ]
    answer = Quote(abstain="never", max_sentences=1)("founded Oslo", plain, Context())
    assert answer.citations[0].source == "b"


def test_a_passage_that_appears_twice_is_quoted_once() -> None:
    answer = Quote(price=0.0)("When does iron melt?", hits_of({"a": TEXT, "b": TEXT}), Context())
    assert len({each.quote for each in answer.citations}) == len(answer.citations)
    assert {each.source for each in answer.citations} == {"a"}


def test_offsets_that_cannot_be_right_are_not_cited() -> None:
    with pytest.raises(IndexDamaged, match="Ingest the source anew"):
        Quote(abstain="never")("iron", [Hit("1", "a.txt", 5, 9, TEXT)], Context())


def test_headings_and_code_fences_are_no_answers() -> None:
    text = "# Melting iron\n\nHeat it well.\n```melting iron\nx\n```"
    answer = ask(Quote(abstain="never"), "melting iron", text)
    assert answer.citations
    assert all("elting" not in each.quote for each in answer.citations)


DOCUMENTS = st.lists(st.text(min_size=1), min_size=1, max_size=6)


@settings(max_examples=200, deadline=None)
@given(DOCUMENTS, st.integers(0, 5), st.sampled_from(["iron melts", "水は", "a {b}", "0"]), st.booleans())
def test_every_citation_of_every_answer_is_its_span(
    texts: list[str], skip: int, question: str, late: bool
) -> None:
    documents = {f"{at}.txt": text for at, text in enumerate(texts)}
    quote = Quote(EchoGenerator().open(), embedder=EMBEDDER if late else None, abstain="never", price=0.0)
    answer = quote(question, hits_of(documents, skip), Context())
    for each in all_citations(answer):
        text = documents[each.source]
        assert each.quote == text[each.start : each.end] != ""
        assert each.content_hash == hashlib.sha256(text.encode()).hexdigest()
    assert answer.abstained or answer.text == "\n".join(each.quote for each in answer.citations)
