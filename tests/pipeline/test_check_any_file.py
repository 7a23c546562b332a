"""Whatever stands in a file, the check says what is wrong; and what it lets pass can be planned."""

from __future__ import annotations

import copy
from typing import Any

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from language import HERE, PARTS

from ragbraid.pipeline.check import Checked, check
from ragbraid.pipeline.find import PipelineSource
from ragbraid.pipeline.plan import plan
from soaking import count

LOCAL = (HERE.parents[1] / "pipelines" / "local.yaml").read_text("utf-8")
BROADER = """
name: broad
x-own: [anything]
components:
  embedder: {type: testing/hash-embedder, dimensions: 8}
  index: {type: testing/list-index, embedder: embedder}
  keyed: {type: ./parts.py:Keyed, names: [a, b], path: here, mode: good}
  ranked: {type: ./parts.py:Wrapped, inner: {type: ./parts.py:Rank, embedder: embedder}}
fields: {year: int}
ingest: [{type: files}, {type: testing/fixed-splitter}, index]
search:
  - {type: ./parts.py:Dense, id: dense, index: index, candidates: 5}
  - {type: ./parts.py:Lexical, id: lexical, index: index}
  - {type: ./parts.py:Fuse, hits: [dense, lexical]}
  - {use: ranked, id: again}
  - keyed
ask:
  - search
  - {type: ./parts.py:few, least: {value: 2}}
  - {when: few, then: more, else: [{type: ./parts.py:first}]}
  - {type: ./parts.py:reply}
flows:
  less: {inputs: {hits: hits}, steps: [{type: ./parts.py:first}], output: first}
  more:
    - {type: ./parts.py:rewrite, upper: true}
    - {type: ./parts.py:find, question: inputs.question, k: {value: 3}, as: others}
    - {type: ./parts.py:find, id: own}
    - {type: ./parts.py:Fuse, hits: [others, own]}
    - {repeat: less, until: {type: ./parts.py:few, limit: 2}, at_most: 3}
"""
BITS: tuple[Any, ...] = (
    None, True, 0, 5, -1, 1.5, "", "hits", "search", "more", "less", "index", "embedder", "dense", "a b",
    "inputs.k", "${X}", "${X:-5}", "$$", "x.y:z",
    "./parts.py:few", "testing/hash-embedder", [], {}, ["dense"], [None],
    {"value": 5}, {"type": "./parts.py:find"}, {"type": "./parts.py:count", "id": "n"}, {"use": "more"},
    {"when": "few", "then": "keyed"}, {"when": "question", "cases": {"a": "keyed", "b": ["keyed"]}},
    {"repeat": "less", "until": {"type": "./parts.py:few"}, "at_most": 2},
    {"type": "./parts.py:words", "as": "them"}, {"map": "more", "over": "words", "at_most": 3},
    {"type": "lexical", "index": {"type": "faiss"}}, {"inputs": {"n": "int"}, "steps": ["keyed"]},
)  # fmt: skip
KEYS = (
    "type",
    "id",
    "as",
    "use",
    "when",
    "then",
    "else",
    "cases",
    "repeat",
    "hits",
    "k",
    "inputs",
    "output",
    "steps",
)


def spots(value: Any) -> list[tuple[Any, Any]]:
    """Every container with each of its keys or positions."""
    keys: list[Any] = list(value) if isinstance(value, dict) else []
    if isinstance(value, list):
        keys = list(range(len(value)))
    return [(value, key) for key in keys] + [each for key in keys for each in spots(value[key])]


@st.composite
def files(draw: st.DrawFn) -> dict[str, Any]:
    """A right file in which a few values, keys and steps were changed."""
    file: dict[str, Any] = yaml.safe_load(draw(st.sampled_from([LOCAL, BROADER])))
    for _ in range(draw(st.integers(1, 4))):
        found = spots(file)
        if not found:
            break
        container, key = draw(st.sampled_from(found))
        match draw(st.sampled_from(["replace", "remove", "copy", "rename"])):
            case "replace":
                container[key] = copy.deepcopy(draw(st.sampled_from(BITS)))
            case "remove":
                del container[key]
            case "copy":
                other, at = draw(st.sampled_from(found))
                container[key] = copy.deepcopy(other[at])
            case "rename" if isinstance(container, dict):
                container[draw(st.sampled_from(KEYS))] = container.pop(key)
    return {"ragbraid": 1, **file}


def judged(text: str, *, env: bool) -> Checked:
    return check(PipelineSource(text, "file.yaml", HERE), allow=PARTS, env=env)


@settings(max_examples=count(150, 4_000), deadline=None)
@given(files())
def test_any_file_is_judged_and_what_is_right_can_be_planned(file: dict[str, Any]) -> None:
    text = yaml.safe_dump(file, sort_keys=False)
    found = judged(text, env=True)
    assert (found.pipeline is None) == bool(found.diagnostics)
    lines = text.count("\n") + 1
    assert all(each.place.line <= lines and each.message for each in found.diagnostics)
    if found.pipeline is not None:
        for flow in found.pipeline.flows.values():
            plan(flow, found.pipeline.flows)
        assert judged(text, env=False).diagnostics == ()


@settings(max_examples=count(50, 1_000), deadline=None)
@given(files())
def test_what_is_wrong_without_the_environment_is_wrong_with_it(file: dict[str, Any]) -> None:
    text = yaml.safe_dump(file, sort_keys=False)
    if judged(text, env=False).diagnostics:
        assert judged(text, env=True).diagnostics


def test_the_files_they_come_from_are_right() -> None:
    assert judged(f"ragbraid: 1{BROADER}", env=True).diagnostics == ()
    assert judged(LOCAL, env=True).diagnostics == ()
