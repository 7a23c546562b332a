"""Descriptions of component types: complete, and right about kinds and limits."""

from __future__ import annotations

import inspect
import re
import tomllib
from pathlib import Path

import pytest

from ragbraid import registry
from ragbraid.errors import InputError
from ragbraid.pipeline.describe import Option, describe, every
from ragbraid.pipeline.signature import signature_of

KINDS = {
    "compose": "answerer", "cross-encoder": "reranker", "dense": "retriever", "faiss": "index",
    "files": "loader", "lexical": "retriever", "local": "generator", "maxsim": "reranker",
    "openai": "generator", "quote": "answerer", "recursive-splitter": "splitter", "rrf": "reranker",
    "sentence-transformer": "embedder", "testing/echo-generator": "generator",
    "testing/fixed-splitter": "splitter", "testing/hash-embedder": "embedder", "testing/list-index": "index",
}  # fmt: skip


def test_every_type_has_its_kind_and_a_sentence() -> None:
    found = {each.name: each for each in every()}
    assert {name: found[name].kind for name in KINDS} == KINDS
    for name in registry.BUILTIN:
        assert re.fullmatch(r"[A-Z].*\.", found[name].summary), name
        assert found[name].missing is None


@pytest.mark.parametrize("name", registry.BUILTIN)
def test_a_docstring_speaks_of_every_setting(name: str) -> None:
    signature = signature_of(registry.find(name))
    doc = inspect.getdoc(signature.target) or ""
    settings = [each.name for each in signature.settings if each.protocol is None]
    assert [each for each in settings if not re.search(rf"\b{each}\b", doc)] == []


def test_settings_are_told_with_limits_and_defaults() -> None:
    dense = {each.name: each for each in describe("dense").settings}
    assert dense["index"] == Option("index", "Index", "", True, None, True)
    assert dense["candidates"] == Option("candidates", "int", "at least 1", False, "30", False)
    embedder = {each.name: each for each in describe("sentence-transformer").settings}
    assert embedder["max_tokens"] == Option("max_tokens", "int", "at least 1", False, None, False)
    assert embedder["model"].type == "model"
    assert embedder["device"].type == "'auto' or 'cpu' or 'cuda'"
    assert {each.name: each.type for each in describe("openai").settings}["api_key"] == "secret text"
    assert {each.name: each.type for each in describe("files").settings}["include"] == "list of text"


def test_inputs_and_what_is_given() -> None:
    dense = describe("dense")
    assert [(each.name, each.type, each.batch) for each in dense.inputs] == [
        ("question", "str", True), ("k", "int", False),
    ]  # fmt: skip
    assert (dense.gives, dense.example) == ("list[Hit]", "{type: dense, index: index}")
    assert (describe("faiss").inputs, describe("faiss").gives) == ((), None)


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(InputError, match="did you mean 'lexical'"):
        describe("lexicall")


def test_what_types_need_is_in_the_extra_that_is_named() -> None:
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text("utf-8"))["project"]
    extras = project["optional-dependencies"]
    packages = {extra: " ".join(each).replace("-", "_") for extra, each in extras.items()}
    packages["local"] += packages["docs-in"] + packages["code"]
    carried = {"faiss": "faiss_cpu", "safetensors": "sentence_transformers"}  # the latter brings the former
    for name, needs in registry.NEEDS.items():
        there = packages[registry.EXTRAS.get(name, "local")]
        assert [each for each in needs if carried.get(each, each) not in there] == []
    assert set(registry.NEEDS) <= set(registry.BUILTIN)
