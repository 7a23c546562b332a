"""Filters that a question says: taken out of it, held to what it says, and never wider than the run's."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ragbraid import Pipeline
from ragbraid.context import Context
from ragbraid.errors import GenerationError, InputError, PipelineFileError
from ragbraid.generate.local import Local
from ragbraid.pipeline.engine import Engine
from ragbraid.testing.fakes import EchoGenerator, ScriptedGenerator
from ragbraid.transform.metadata_filter import MetadataFilter, Wanted
from ragbraid.types import ModelName
from small_model import smollm

FIELDS: dict[str, Any] = {"year": "int", "lang": ["de", "en"], "since": "date"}
ASKED = "papers after 2020 in German about tides"
YEAR = {"field": "year", "said": "after 2020", "is": "more than", "value": 2020}
LANG = {"field": "lang", "said": "in German", "value": "de"}


def said(*conditions: Any) -> str:
    return json.dumps({"conditions": conditions})


def taken(question: str, *conditions: Any) -> tuple[Wanted, list[str]]:
    context = Context()
    step = MetadataFilter(ScriptedGenerator((said(*conditions),)).open(), FIELDS)
    return step(question, context), context.notes.get("ignored", [])


def test_the_filter_and_the_rest() -> None:
    wanted, ignored = taken(ASKED, YEAR, LANG)
    both = {"$and": [{"year": {"$gt": 2020}}, {"lang": {"$eq": "de"}}]}
    assert (wanted, ignored) == (Wanted("papers about tides", both), [])
    alone, _ = taken("After 2020", YEAR)
    assert alone == Wanted("After 2020", {"year": {"$gt": 2020}})
    assert taken("Why are there tides?") == (Wanted("Why are there tides?", None), [])
    dated, _ = taken(
        "news since May 2021",
        {"field": "since", "said": "since May 2021", "is": "at least", "value": "2021-05-01"},
    )
    assert dated == Wanted("news", {"since": {"$gte": {"$date": "2021-05-01"}}})


@pytest.mark.parametrize(
    ("condition", "why"),
    [
        ({**YEAR, "value": 2021}, "year: 'after 2020' doesn't say 2021"),
        ({**YEAR, "said": "after 2021", "value": 2021}, "year: the question doesn't say 'after 2021'"),
        ({**YEAR, "value": "2020"}, "year: '2020' is no int"),
        ({**LANG, "value": "fr"}, "lang: 'fr' is none of its values"),
        ({**LANG, "said": ""}, "lang: the question doesn't say ''"),
        ({**LANG, "field": "owner"}, "there is no field owner"),
        ({"field": "since", "said": "after 2020", "is": "at least", "value": "soon"},
         "since: 'soon' is no date"),
        ({"field": "since", "said": "in German", "is": "at least", "value": "2021-05-01"},
         "since: 'in German' doesn't say 2021-05-01"),
    ],
)  # fmt: skip
def test_what_the_question_does_not_say_is_ignored_with_a_note(condition: Any, why: str) -> None:
    assert taken(ASKED, condition) == (Wanted(ASKED, None), [why])


def test_conditions_that_contradict_each_other_are_ignored_and_the_others_hold() -> None:
    question = "German papers after 2020 and before 2019"
    late = {"field": "year", "said": "after 2020", "is": "more than", "value": 2020}
    early = {"field": "year", "said": "before 2019", "is": "less than", "value": 2019}
    lang = {"field": "lang", "said": "German", "value": "de"}
    wanted, ignored = taken(question, late, early, lang)
    assert wanted == Wanted("papers after 2020 and before 2019", {"lang": {"$eq": "de"}})
    assert ignored == ["the conditions on year contradict each other"]


def test_what_is_cut_off_is_no_filter_and_what_fails_says_so() -> None:
    context = Context()
    cut = MetadataFilter(ScriptedGenerator(('{"conditions": [{"fie',)).open(), FIELDS)
    assert cut(ASKED, context) == Wanted(ASKED, None)
    assert context.notes["ignored"] == ["what the model said is no list of conditions"]
    with pytest.raises(GenerationError):
        MetadataFilter(EchoGenerator().open(), FIELDS)(ASKED, Context())
    with pytest.raises(InputError, match="empty"):
        MetadataFilter(EchoGenerator().open(), FIELDS)(" ", Context())


@pytest.mark.parametrize("fields", [{}, {"year": "number"}, {"lang": []}])
def test_fields_have_a_type_or_values(fields: Any) -> None:
    with pytest.raises(ValueError, match="field"):
        MetadataFilter(EchoGenerator().open(), fields)


def pipeline(only: str, *answers: str) -> Pipeline:
    wanted = {
        "type": "metadata-filter",
        "generator": {"type": "ragbraid.testing.fakes:ScriptedGenerator", "answers": list(answers)},
        "fields": {"lang": ["de", "en"]},
    }
    return Pipeline.build(
        components={
            "embedder": {"type": "testing/hash-embedder"},
            "index": {"type": "testing/list-index", "embedder": "embedder"},
        },
        fields={"lang": "str"},
        ingest=[{"type": "files"}, {"type": "testing/fixed-splitter"}, "index"],
        search=[wanted, {"only": only, "then": [{"type": "lexical", "index": "index"}]}],
        ask=[
            wanted,
            {
                "only": only,
                "then": [
                    {"type": "lexical", "index": "index"},
                    {"type": "quote", "abstain": "never", "short": False},
                ],
            },
        ],
        allow=["ragbraid.testing"],
        engine=Engine(),
    )


async def test_the_steps_inside_see_those_documents_alone_and_are_asked_the_rest(tmp_path: Path) -> None:
    for name in ("en", "de"):
        (tmp_path / f"{name}.md").write_text("German or not, leave is twelve weeks.", "utf-8")
        (tmp_path / f"{name}.md.meta.yaml").write_text(f"lang: {name}", "utf-8")
    german = said({"field": "lang", "said": "in German", "value": "de"})
    with pipeline("metadata-filter", *[german] * 5, said(), german) as ready:
        ready.ingest(tmp_path)
        (hit,) = ready.search("leave in German")
        assert hit.source.endswith("de.md")
        assert ready.search("leave in German", filter={"lang": "en"}) == []
        answer = ready.ask("leave in German")
        assert {each.source[-5:] for each in answer.hits} == {"de.md"}
        assert await ready.aask("leave in German") == answer
        *_, last = ready.stream("leave in German")
        assert last.value == answer
        both = ready.ask_batch(["leave", "leave in German"])
        assert [len(each.hits) for each in both] == [2, 1]  # type: ignore[union-attr]


def test_only_takes_a_filter_or_what_gives_one() -> None:
    with pytest.raises(PipelineFileError, match="`only` wants Wanted, and 'question' is str"):
        pipeline("question")
    with pytest.raises(
        PipelineFileError,
        match=r"such as \{lang: de\}, or the name of what a `metadata-filter` gave, not 'metadata_filter'",
    ):
        pipeline("metadata_filter")


@pytest.mark.model
def test_the_small_model_is_held_to_what_the_question_says() -> None:
    """A model of 135 million parameters reads few filters; whatever it says, none is made up."""
    generator = Local(model=ModelName(str(smollm()))).open()
    fields: dict[str, Any] = {"year": "int", "lang": ["German", "English"]}
    step = MetadataFilter(generator, fields)
    for question, years in (
        ("papers since 2019 about tides", {2019}),
        ("How long is parental leave?", set()),
    ):
        wanted = step(question, Context())
        told = [] if wanted.filter is None else wanted.filter.get("$and", [wanted.filter])
        assert {value for each in told for value in each.get("year", {}).values()} <= years
        assert wanted.question
    generator.close()
