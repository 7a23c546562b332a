"""The pipeline language: components, and what they refer to."""

from __future__ import annotations

from pathlib import Path

import pytest
from language import HERE, component, run, says

from ragbraid.embed.protocol import Embedder
from ragbraid.errors import IndexStoreError
from ragbraid.testing.fakes import HashEmbedder, ListIndex

SEARCH = "search: [{type: ./parts.py:find}]"


def test_a_named_reference() -> None:
    text = f"""
        components:
          embedder: {{type: testing/hash-embedder, dimensions: 8}}
          index: {{type: testing/list-index, embedder: embedder}}
        {SEARCH}
    """
    index = component(text, "index")
    assert isinstance(index, ListIndex)
    assert index.embedder == HashEmbedder(dimensions=8)


def test_a_component_may_be_named_before_it_is_defined() -> None:
    text = f"""
        components:
          index: {{type: testing/list-index, embedder: embedder}}
          embedder: {{type: testing/hash-embedder, dimensions: 8}}
        {SEARCH}
    """
    assert component(text, "index").embedder.dimensions == 8


def test_an_inline_reference_is_the_same_as_a_named_one() -> None:
    named = f"""
        components:
          embedder: {{type: testing/hash-embedder, dimensions: 8}}
          index: {{type: testing/list-index, embedder: embedder}}
        {SEARCH}
    """
    inline = f"""
        components:
          index: {{type: testing/list-index, embedder: {{type: testing/hash-embedder, dimensions: 8}}}}
        {SEARCH}
    """
    assert component(named, "index") == component(inline, "index")


def test_an_optional_reference_may_be_null() -> None:
    text = f"components: {{index: {{type: testing/list-index, embedder: null}}}}\n{SEARCH}"
    assert component(text, "index") == ListIndex()


def test_a_list_of_references_may_name_and_define() -> None:
    text = """
        components:
          plain: {type: ./parts.py:Wrapped}
          many: {type: ./parts.py:Wrapped, inner: plain, others: [plain, {type: ./parts.py:Wrapped}]}
        search: [{type: ./parts.py:find}, many]
    """
    assert len(run(text)) == 10
    found = component(text, "many")
    assert found.others == (found.inner, found.inner)


@pytest.mark.parametrize(
    ("given", "lacks"),
    [("testing/echo-generator", "embed and tokenizer_json"), ("testing/fixed-splitter", "embed")],
)
def test_a_reference_is_known_by_its_protocol(given: str, lacks: str) -> None:
    (message,) = says(
        f"components: {{index: {{type: testing/list-index, embedder: {{type: {given}}}}}}}\n{SEARCH}"
    )
    assert f"wants a component of kind {Embedder.__name__}, and {given!r} isn't one" in message
    assert lacks in message


def test_whatever_has_a_protocols_methods_fits(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(
        "from dataclasses import dataclass\n"
        "from ragbraid.types import Hit\n"
        "@dataclass(frozen=True)\n"
        "class Backwards:\n"
        "    def __call__(self, question: str, hits: list[Hit], k: int) -> list[Hit]:\n"
        "        return hits[::-1]\n",
        "utf-8",
    )
    text = f"""
        search:
          - {{type: {HERE}/parts.py:find}}
          - {{type: {HERE}/parts.py:Wrapped, inner: {{type: ./own.py:Backwards}}}}
    """
    allow = [str(tmp_path / "own.py"), str(HERE / "parts.py")]
    hits = run(text, base=tmp_path, allow=allow, inputs={"question": "x", "k": 2})
    assert [each.id for each in hits] == ["2", "1"]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("embeddr", "embedder: there is no component 'embeddr'; did you mean 'embedder'?"),
        ("5", "embedder wants a component, not 5"),
        ("[embedder]", "embedder wants a component, not a list"),
        ("{dimensions: 8}", "a component wants a `type`"),
    ],
)
def test_a_reference_that_is_none(given: str, message: str) -> None:
    text = f"""
        components:
          embedder: {{type: testing/hash-embedder}}
          index: {{type: testing/list-index, embedder: {given}}}
        {SEARCH}
    """
    assert says(text) == [message]


def test_components_in_a_circle_are_an_error_that_shows_it() -> None:
    text = "components: {a: {type: ./parts.py:Wrapped, inner: b}, b: {type: ./parts.py:Wrapped, inner: a}}"
    assert says(f"{text}\n{SEARCH}") == ["components refer to each other in a circle: a → b → a"]


def test_a_component_that_no_flow_uses_is_checked_too() -> None:
    assert says(f"components: {{spare: {{type: ./parts.py:Fuse, weight: 2.0}}}}\n{SEARCH}") == [
        "weight: wants at most 1.0, not 2.0"
    ]


@pytest.mark.parametrize("name", ["'my index'", "a.b", "'1'", "ü"])
def test_a_components_name_is_a_word(name: str) -> None:
    (message,) = says(f"components: {{{name}: {{type: testing/list-index}}}}\n{SEARCH}")
    assert message.startswith("a component's name is a word of letters, digits, - and _")


@pytest.mark.parametrize(
    ("definition", "message"),
    [
        ("testing/list-index", "x wants a mapping with a `type`, not 'testing/list-index'"),
        ("{path: a}", "a component wants a `type`"),
        ("{type: [a]}", "`type` wants a name, not a list"),
        ("{type: testing/list-indx}", "there is no component type 'testing/list-indx'; did you mean"),
        ("{type: testing/list-index, embeder: 1}", "has no setting 'embeder'; did you mean 'embedder'?"),
        ("{type: ./parts.py:Quote}", "'./parts.py:Quote' wants the setting `generator`"),
        ("{type: testing/list-index, id: mine}", "'testing/list-index' has no setting 'id'"),
    ],
)
def test_a_component_is_a_mapping_of_its_type_and_its_settings(definition: str, message: str) -> None:
    (found,) = says(f"components: {{x: {definition}}}\n{SEARCH}")
    assert message in found


DENSE = """
    components:
      embedder: {type: testing/hash-embedder}
      index: {type: %s}
    search: [{type: %s, index: index}]
"""


@pytest.mark.parametrize("index", ["testing/list-index", "faiss", "faiss, embedder: null"])
def test_a_component_may_refuse_what_it_refers_to_as_dense_an_index_without_embedder(index: str) -> None:
    (message,) = says(DENSE % (index, "dense"))
    assert message.startswith("'dense': The index has no embedder, so it can't be searched by meaning.")
    assert says(DENSE % (index, "lexical")) == []
    assert says(DENSE % (f"{index.partition(',')[0]}, embedder: embedder", "dense")) == []


def test_an_index_that_declares_no_embedder_is_asked_when_it_is_open() -> None:
    assert says(DENSE % ("./parts.py:Bare", "dense")) == []
    with pytest.raises(IndexStoreError, match="The index has no embedder"):
        run(DENSE % ("./parts.py:Bare", "dense"))
