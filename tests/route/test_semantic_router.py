"""Where questions go: by utterances, words, patterns and who asks; and nowhere where no route is for them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ragbraid.embed.sentence_transformer import SentenceTransformer
from ragbraid.errors import InputError, SettingError
from ragbraid.route.judge import judge
from ragbraid.route.protocol import OTHERWISE, Decision
from ragbraid.route.routes import Route
from ragbraid.route.routes_file import read_examples
from ragbraid.route.semantic_router import SemanticRouter, SemanticRouterRuntime
from ragbraid.route.thresholds_file import write_fitted
from ragbraid.testing.hash_embedder import HashEmbedder, HashEmbedderRuntime
from ragbraid.text.question import LONGEST
from ragbraid.types import Scope
from soaking import count
from timing import least_seconds

FROZEN = Path(__file__).parents[1] / "data" / "routing"
ROUTES: Mapping[str, Any] = {
    "refunds": ("send my money back", "a refund for the broken kettle", "return this item for a refund"),
    "hours": ("when does the shop open", "opening hours of the shop", "is the shop open on sunday"),
    "orders": Route(("where is my order", "track my order", "has my order been shipped"), (r"\bA-\d{4}\b",)),
}


@pytest.fixture
def embedder() -> HashEmbedderRuntime:
    return HashEmbedder(dimensions=256).open()


def router(routes: Any = ROUTES, embedder: Any = None, **options: Any) -> SemanticRouterRuntime:
    return SemanticRouter(routes, embedder, **{"cache": None, **options}).open()


def decide(
    runtime: SemanticRouterRuntime, question: str, embedder: HashEmbedderRuntime | None = None, **scope: Any
) -> Decision:
    vectors = None if embedder is None else embedder.embed([question], "query")
    (found,) = runtime.decide([question], vectors, scope=Scope(**scope))
    return found


def test_a_question_takes_the_nearest_route_or_none(embedder: HashEmbedderRuntime) -> None:
    runtime = router(embedder=embedder)
    assert decide(runtime, "i want a refund, money back", embedder).route == "refunds"
    assert decide(runtime, "is the shop open today", embedder).route == "hours"
    unknown = decide(runtime, "volcanoes erupt in Iceland", embedder)
    assert (unknown.route, unknown.routes) == (OTHERWISE, ())
    assert all(each.score < each.threshold for each in unknown.candidates)


def test_words_decide_where_there_is_no_embedder() -> None:
    runtime = router()
    assert runtime.embedder is None
    assert decide(runtime, "wheres my order").route == "orders"
    assert decide(runtime, "is the shopp open").route == "hours"
    assert decide(runtime, "volcanoes erupt in Iceland").route == OTHERWISE


def test_routes_by_words_stand_beside_those_by_meaning(embedder: HashEmbedderRuntime) -> None:
    parts = Route(("flange XB-20", "gasket for XB-30", "XB-40 spare part"), by="words")
    runtime = router({**ROUTES, "parts": parts}, embedder)
    found = decide(runtime, "gasket XB-20", embedder)
    assert (found.route, found.candidates[0].by) == ("parts", "words")
    assert decide(runtime, "track my order", embedder).candidates[0].by == "meaning"


def test_a_pattern_decides_before_any_score(embedder: HashEmbedderRuntime) -> None:
    runtime = router(embedder=embedder)
    found = decide(runtime, "is the shop open for a-7731", embedder)
    assert (found.route, found.confidence, found.candidates[0].by) == ("orders", 1.0, "pattern")
    assert embedder.embedded == 1, "a pattern needs no utterance's vector"


@pytest.mark.parametrize("pattern", [r"(\w+\s?)+\?$", r"(a|a)+\?$", r"(.*a){20}\?$"])
def test_the_time_of_a_pattern_is_linear_in_the_questions_length(pattern: str) -> None:
    """Engines that backtrack take hours for these."""
    runtime = router({"asked": Route(patterns=(pattern,))})
    longest = "a" * (LONGEST - 1)
    assert least_seconds(lambda: decide(runtime, f"{longest}!")) < 1
    assert decide(runtime, f"{longest}!").route == OTHERWISE
    assert decide(runtime, f"{longest}?").route == "asked"


def test_patterns_know_letters_of_all_languages_and_no_blanks_at_the_ends() -> None:
    runtime = router({"about": Route(patterns=(r"^\w+ \bÜBER\b \w+\?$",))})
    assert decide(runtime, "Erzähl über Öfen?\n").route == "about"
    assert decide(runtime, "Erzähl drüber Öfen?").route == OTHERWISE


def test_a_route_is_for_whom_it_says(embedder: HashEmbedderRuntime) -> None:
    salaries = Route(
        ("what does my colleague earn", "salary of a colleague"), where={"team": ("hr", "board")}
    )
    runtime = router({**ROUTES, "salaries": salaries, "guests": Route(where={"guest": True})}, embedder)
    asked = "what is the salary of my colleague"
    assert decide(runtime, asked, embedder).route == OTHERWISE
    assert decide(runtime, asked, embedder, filter={"team": "hr"}).route == "salaries"
    assert decide(runtime, asked, embedder, filter={"team": {"$in": ["hr", "board"]}}).route == "salaries"
    assert (
        decide(runtime, asked, embedder, filter={"$and": [{"team": "board"}, {"year": 2020}]}).route
        == "salaries"
    )
    assert decide(runtime, asked, embedder, filter={"team": {"$in": ["hr", "sales"]}}).route == OTHERWISE
    assert decide(runtime, asked, embedder, filter={"$or": [{"team": "hr"}]}).route == OTHERWISE
    told = decide(runtime, asked, embedder, filter={"guest": True})
    assert (told.route, told.candidates[0].by) == ("guests", "rule")
    assert "salaries" not in {each.route for each in runtime.nearest(asked, embedder.embed([asked]), 20)}


def test_a_route_is_for_its_collections(embedder: HashEmbedderRuntime) -> None:
    runtime = router({**ROUTES, "hr": Route(patterns=("salary",), collections=("staff",))}, embedder)
    assert decide(runtime, "salary statement", embedder, collection="staff").route == "hr"
    assert decide(runtime, "salary statement", embedder).route == OTHERWISE


def test_a_question_may_take_several_routes(embedder: HashEmbedderRuntime) -> None:
    low = {name: Route(each, threshold=0.3) for name, each in ROUTES.items() if not isinstance(each, Route)}
    found = decide(router(low, embedder), "is the shop open, and a refund for the kettle", embedder)
    assert set(found.routes) == {"hours", "refunds"}
    assert found.route == found.routes[0]


def test_a_threshold_of_its_own_holds(embedder: HashEmbedderRuntime) -> None:
    strict = {**ROUTES, "refunds": Route(ROUTES["refunds"], threshold=1.9)}
    assert decide(router(strict, embedder), "a refund, money back", embedder).route == OTHERWISE


def test_examples_of_what_no_route_is_for_keep_such_out(embedder: HashEmbedderRuntime) -> None:
    asked = "when does the museum open"
    others = ("when does the library open", "does the bank open today", "when does the pool open")
    near = [
        {each.route: each.score for each in decide(router(routes, embedder), asked, embedder).candidates}
        for routes in (ROUTES, {**ROUTES, OTHERWISE: others})
    ]
    assert near[1]["hours"] < near[0]["hours"] - 0.1


def test_utterances_are_embedded_once_and_kept(tmp_path: Path, embedder: HashEmbedderRuntime) -> None:
    first = router(embedder=embedder, cache=tmp_path)
    asked = embedder.embed(["track my order"], "query")
    calls = embedder.calls
    expected = first.decide(["track my order"], asked)
    first.decide(["track my order"], asked)
    assert embedder.calls == calls + 1
    again = router(embedder=embedder, cache=tmp_path)
    assert again.decide(["track my order"], asked) == expected
    assert embedder.calls == calls + 1
    (kept,) = tmp_path.glob("*.npy")
    for broken in (b"", b"no array", kept.read_bytes()[:-40], kept.read_bytes()[:-4] + b"\0\0\x80\x7f"):
        kept.write_bytes(broken)
        assert router(embedder=embedder, cache=tmp_path).decide(["track my order"], asked) == expected


def test_thresholds_that_were_written_hold_until_utterances_change(
    tmp_path: Path, embedder: HashEmbedderRuntime
) -> None:
    path = tmp_path / "thresholds.json"
    fitted = router(embedder=embedder).fit()
    assert set(fitted.thresholds) == set(ROUTES)
    write_fitted(path, replace(fitted, thresholds=dict.fromkeys(ROUTES, 1.9)))
    assert decide(router(embedder=embedder, thresholds=path), "track my order", embedder).route == OTHERWISE
    changed = {**ROUTES, "hours": (*ROUTES["hours"], "open tomorrow")}
    with pytest.raises(InputError, match=r"fitted to other utterances.*ragbraid route fit --out"):
        decide(router(changed, embedder, thresholds=path), "track my order", embedder)
    with pytest.raises(InputError, match="has none for 'more'"):
        router({**ROUTES, "more": ("something", "else")}, embedder, thresholds=path)
    for broken, said in (
        ("{", "isn't JSON"),
        ("[]", "no thresholds"),
        (json.dumps({"schema": 1}), "no thresholds"),
    ):
        path.write_text(broken)
        with pytest.raises(InputError, match=said):
            router(embedder=embedder, thresholds=path)


@pytest.mark.parametrize(
    ("routes", "said"),
    [
        ({}, "no routes"),
        ({OTHERWISE: ("a",)}, "no routes"),
        ({"a": ()}, "'a' is empty"),
        ({"a": Route()}, "'a' is empty"),
        ({"a": ("hi", " ?! ")}, "says nothing"),
        ({"a": ("Where is it?",), "b": ("where  is it",)}, "stands in 'a' and in 'b'"),
        ({"a": ("hi", "Hi!")}, "twice in 'a'"),
        ({"a": ("hi",), OTHERWISE: ("hi",)}, "in 'a' and in 'otherwise'"),
        ({"a": Route(patterns=("x+",)), "b": Route(("hi",), ("x+",))}, r"the pattern 'x\+' stands in 'a'"),
        ({"a": Route(where={"t": 1}), "b": Route(where={"t": 1})}, "the same rule stands in 'a' and in 'b'"),
        ({"a": Route(patterns=("(",))}, r"the pattern '\(' of 'a' can't be used: unclosed group"),
        ({"a": Route(patterns=("wh(?=ere)",))}, "can't be used: look-around"),
        ({"a": Route(patterns=(r"(.)\1",))}, "can't be used: backreferences are not supported"),
        ({"a": Route(patterns=("(.{999}){999}",))}, "can't be used: compiled regex exceeds size limit"),
        ({"a": Route(patterns=("x*",))}, "found in every question"),
        ({"a": Route(("hi",), threshold=float("inf"))}, "the threshold of 'a' is no finite number"),
        ({"a b": ("hi",)}, "a route's name"),
        ({"a": ("hi",), OTHERWISE: Route(patterns=("x",))}, "is no route"),
    ],
)
def test_routes_that_are_empty_or_contradict_each_other_are_refused(routes: Any, said: str) -> None:
    with pytest.raises(SettingError, match=said):
        SemanticRouter(routes)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "wants a mapping"),
        ("- a", "wants a mapping"),
        ("a: b", r":1: 'a' wants a list"),
        ("a: [x]\nb: [y, X]", r":2: the utterance 'X' stands in 'a' and in 'b' \(also line 1\)"),
        ("a: [x]\na: [y]", ":2: the route 'a' stands twice"),
        ("a: {utterance: [x]}", "a route has no 'utterance'"),
        ("a: {utterances: x}", "wants a list"),
        ("a: {utterances: [x], by: luck}", "by of 'a'"),
        ("a:\n  utterances: [x]\n  threshold: .nan", ":3: the threshold of 'a' is no finite number"),
        ("a: {utterances: [[x]]}", "to be a text"),
        ("a: [what: now]", "to be a text"),
        ("a: [x", r":\d+: "),
    ],
)
def test_a_file_of_routes_is_refused_with_its_lines(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "routes.yaml"
    path.write_text(text)
    with pytest.raises(InputError, match=said):
        SemanticRouter(path)


def test_a_file_of_routes_says_what_a_mapping_says(tmp_path: Path) -> None:
    path = tmp_path / "routes.yaml"
    path.write_text(
        'a: [no, 42, "x: y"]\nb:\n  utterances: [hi]\n  where: {n: 3}\n  threshold: 0.5\notherwise: [on]\n'
    )
    given = {
        "a": ("no", "42", "x: y"), "b": Route(("hi",), where={"n": 3}, threshold=0.5), OTHERWISE: ("on",)
    }  # fmt: skip
    assert SemanticRouter(path).table == SemanticRouter(given).table
    before = SemanticRouter(path)
    path.write_text("a: [other]\n")
    assert SemanticRouter(path) != before
    with pytest.raises(InputError, match="can't be read"):
        SemanticRouter(tmp_path / "none.yaml")


def test_frozen_questions_find_their_routes() -> None:
    """All 20 routes take 0.75 of their 320 questions and refuse 0.85 of 165; fewer routes are easier."""
    embedder = SentenceTransformer().open()
    every, asked = read_examples(FROZEN / "routes.yaml"), read_examples(FROZEN / "questions.yaml")
    names = list(every)[:: len(every) // count(5, len(every))]
    runtime = router({name: every[name] for name in names}, embedder)
    of = [
        (text, name)
        for name in (*names, OTHERWISE)
        for text in asked[name][:: 1 if name in names else count(4, 1)]
    ]
    found = runtime.decide([text for text, _ in of], embedder.embed([text for text, _ in of], "query"))
    judged = judge([(right, each.route) for (_, right), each in zip(of, found, strict=True)])
    assert judged.in_scope is not None
    assert judged.refused is not None
    assert judged.in_scope > 0.7
    assert judged.refused > 0.8
    assert 0.6 < np.mean([each.confidence for each in found]) < 1
