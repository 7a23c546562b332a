"""The default pipeline over documents in German and in Japanese, asked in their language and in another."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from ragbraid import Pipeline
from ragbraid.errors import ModelMissing
from ragbraid.models.locate import locate
from ragbraid.types import Answer

pytestmark = pytest.mark.model

DATA = Path(__file__).parents[1] / "data" / "languages" / "pages.json"
ENGLISH_QUESTIONS = ("Who opened the bridge?", "Why does the pump stop?")


@pytest.fixture(scope="module", params=["German", "Japanese"])
def asked(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Pipeline, Mapping[str, str]]]:
    try:
        locate("all-minilm-l6-v2")
    except ModelMissing as missing:
        pytest.skip(str(missing))
    data = json.loads(DATA.read_text("utf-8"))[request.param]
    folder = tmp_path_factory.mktemp("pages")
    for name, text in data["pages"].items():
        (folder / name).write_text(text, "utf-8")
    overrides = {"components.index.path": str(folder / "index"), "ask.quote.short": False}
    with Pipeline.load(set=overrides) as pipeline:
        pipeline.ingest(folder)
        yield pipeline, data["questions"]


def verified(answer: Answer, pipeline: Pipeline) -> bool:
    return all(
        each.quote == pipeline.document(each.source).text[each.start : each.end] for each in answer.citations
    )


def test_the_sentence_that_answers_is_quoted(asked: tuple[Pipeline, Mapping[str, str]]) -> None:
    pipeline, questions = asked
    answers = {question: pipeline.ask(question) for question in questions}
    assert all(verified(answer, pipeline) for answer in answers.values())
    missed = [question for question, answer in answers.items() if questions[question] not in answer.text]
    assert missed == []


def test_a_question_in_another_language_is_answered_or_refused_in_words(
    asked: tuple[Pipeline, Mapping[str, str]],
) -> None:
    pipeline, _ = asked
    for question in ENGLISH_QUESTIONS:
        answer = pipeline.ask(question)
        assert answer.text.strip()
        assert answer.abstained == (not answer.citations)
        assert verified(answer, pipeline)
