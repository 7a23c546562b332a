from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from ragbraid.answer.short import short_answer
from ragbraid.answer.short_scored import MAX_WORDS, most_likely
from ragbraid.context import Context
from ragbraid.errors import GenerationError
from ragbraid.generate.openvino import OpenVino, OpenVinoRuntime
from ragbraid.generate.protocol import Quotes, Score
from ragbraid.generate.quote_grammar import is_quote
from ragbraid.testing.fakes import EchoGenerator
from ragbraid.testing.generator import random_prompts
from ragbraid.text.sentences import sentences
from ragbraid.types import Citation, ModelName
from small_model import smollm
from soaking import count
from tiny_gguf import tiny_gguf

BRIDGE = "In May 1932 the mayor, Ada Lind, opened the bridge. It is 412 metres long."


def quoted(*texts: str) -> list[Citation]:
    return [Citation("a.txt", 100, 100 + len(text), text, "hash") for text in texts]


@dataclass
class Likes:
    """A scorer that finds some texts likely."""

    liked: dict[str, float]
    always: dict[str, float] = field(default_factory=dict)
    context_window: int = 4096
    scores_together: bool = True

    def count_tokens(self, prompt: str) -> int:
        return len(prompt.split())

    def score(self, prompt, continuations, *, then=None, context=None):  # type: ignore[no-untyped-def]
        known = self.always if prompt.endswith("Q: What is it?\nA:") else self.always | self.liked
        return [Score(known.get(each.strip(), -9.0), -1.0, 1) for each in continuations]


def chosen(liked: dict[str, float], question: str = "?", text: str = BRIDGE, **more: object) -> str:
    found, _ = most_likely(Likes(liked, **more), question, quoted(text), Context())  # type: ignore[arg-type]
    assert found is not None
    assert text[found.start - 100 : found.end - 100] == found.quote
    return found.quote


def test_the_likeliest_run_is_taken_where_it_stands() -> None:
    assert chosen({"Ada Lind": -1}) == "Ada Lind"
    assert chosen({"412 metres": -1, "412": -6, "Ada": -2}) == "412 metres"


def test_what_is_likely_after_any_question_counts_less() -> None:
    liked = {"the": -7.0, "the bridge": -2.0, "Ada": -7.0, "Ada Lind": -2.1}
    always = {"the bridge": -2.0, "Ada Lind": -9.0}
    assert chosen(liked) == "the bridge"
    assert chosen(liked, always=always) == "Ada Lind"


def test_words_of_the_question_speak_against_a_run_and_its_type_for_it() -> None:
    assert chosen({"the bridge": -2, "Ada Lind": -2.1}, "Who opened the bridge?") == "Ada Lind"
    assert chosen({"Ada Lind": -2, "May 1932": -2.1}, "When was it opened?") == "May 1932"


def test_a_run_stays_in_its_sentence_and_is_short() -> None:
    over = "bridge. It"
    assert chosen({over: 0, "bridge": -5, "It": -6}) != over
    long = " ".join("abcdefghijkl")
    assert chosen({long: 0.0, "d": -3}, text=long) == "d"
    assert len(long.split()) > MAX_WORDS


def test_nothing_to_say_is_nothing() -> None:
    assert most_likely(Likes({}), "?", quoted("", "  \n"), Context())[0] is None  # type: ignore[arg-type]


def test_a_small_window_shows_fewer_examples() -> None:
    asked: list[str] = []

    class Watching(Likes):
        def score(self, prompt, continuations, *, then=None, context=None):  # type: ignore[no-untyped-def]
            asked.append(prompt)
            return super().score(prompt, continuations, then=then)

    for window in (4096, 300, 100):
        asked.clear()
        most_likely(Watching({}, context_window=window), "?", quoted(BRIDGE), Context())  # type: ignore[arg-type]
        assert max(len(each.split()) for each in asked) < window


def test_a_scorer_that_fails_leaves_the_quotes_and_a_note() -> None:
    class Failing(Likes):
        def score(self, prompt, continuations, *, then=None, context=None):  # type: ignore[no-untyped-def]
            raise GenerationError("It fell silent.")

    context = Context()
    place, _ = short_answer(Failing({}), "?", quoted(BRIDGE), context)  # type: ignore[arg-type]
    assert place is None
    assert "fell silent" in str(context.notes["short"])


def test_an_engine_that_scores_one_by_one_writes_instead() -> None:
    place, _ = short_answer(EchoGenerator().open(), "?", quoted(BRIDGE), Context())
    assert place is not None
    assert BRIDGE.startswith(place.quote)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenVinoRuntime]:
    folder = tmp_path_factory.mktemp("tiny")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAGBRAID_CONVERTED", str(folder / "converted"))
        opened = OpenVino(
            ModelName(str(tiny_gguf(folder / "tiny.gguf"))), context_tokens=512, threads=1
        ).open()
        yield opened
        opened.close()


def test_any_model_answers_in_words_of_the_quotes(tiny: OpenVinoRuntime) -> None:
    for text in random_prompts(count(15, 500), seed=5):
        held = tuple(text[start:end] for start, end in sentences(text))
        found, usage = most_likely(tiny, "What?", quoted(text), Context())
        if found is None:
            assert not text.split()
            continue
        assert text[found.start - 100 : found.end - 100] == found.quote
        assert is_quote(found.quote, Quotes(held))
        assert usage.calls == 3


@pytest.mark.model
def test_the_small_model_names_what_is_asked_for() -> None:
    smollm()
    runtime = OpenVino().open()
    try:
        for question, answers in (
            ("Who opened the bridge?", {"Ada Lind"}),
            ("How long is the bridge?", {"412", "412 metres", "412 metres long"}),
        ):
            found, _ = most_likely(runtime, question, quoted(BRIDGE), Context())
            assert found is not None
            assert found.quote in answers
    finally:
        runtime.close()
