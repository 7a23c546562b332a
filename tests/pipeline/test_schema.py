"""The JSON Schema of pipeline files agrees with the check: all that is right, and much of what is wrong."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from language import says
from run_graphs import Graphs

from ragbraid import registry
from ragbraid.pipeline.diagnostics import Problems
from ragbraid.pipeline.parse import parse_value
from ragbraid.pipeline.schema import json_schema
from ragbraid.pipeline.settings import as_python
from ragbraid.pipeline.signature import signature_of

WRONG = Path(__file__).parent / "wrong"
SHIPPED = sorted((Path(__file__).parents[2] / "pipelines").glob("*.yaml"))
SEEN = (
    "003-list-at-top",
    "004-text-at-top",
    "026-newer-version",
    "027-missing-version",
    "028-version-in-quotes",
    "029-unknown-sections",
    "030-sections-of-wrong-kind",
    "031-more-sections-of-wrong-kind",
    "032-no-flow",
    "033-unknown-types",
    "034-types-that-are-no-types",
    "035-unknown-settings",
    "037-settings-out-of-range",
    "043-references-that-are-none",
    "046-names-of-components",
    "048-steps-that-are-none",
    "060-bad-ids",
    "061-bad-as",
    "064-flows-without-steps",
    "065-keys-of-a-flow",
    "066-bad-inputs",
    "067-bad-output",
    "069-bad-branches",
    "071-bad-loops",
    "076-ingest-misspelt",
    "077-ingest-as-mapping",
    "079-field-types",
    "082-errors-everywhere",
    "083-one-mistake-used-twice",
    "084-ingest-mapping-without-steps",
)
"""The wrong files whose mistake shows in the form of a file, without following a name or running code."""


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    return json_schema()


@pytest.fixture(scope="module")
def validator(schema: dict[str, Any]) -> Draft202012Validator:
    return Draft202012Validator(schema)


def read(text: str) -> Any:
    """What an editor hands to its validator."""
    problems = Problems()
    node = parse_value(text, "file.yaml", problems)
    assert node is not None, problems.sorted()
    return as_python(node)


def references(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        for key, value in schema.items():
            if key == "$ref":
                yield value
            yield from references(value)
    elif isinstance(schema, list):
        for each in schema:
            yield from references(each)


def test_it_is_a_schema_whose_references_lead_somewhere(schema: dict[str, Any]) -> None:
    Draft202012Validator.check_schema(schema)
    for each in references(schema):
        start, defs, name = each.split("/")
        assert (start, defs) == ("#", "$defs")
        assert name.replace("~1", "/") in schema["$defs"], each


def test_it_is_the_same_each_time(schema: dict[str, Any]) -> None:
    assert json_schema() == schema


@pytest.mark.parametrize("name", sorted(registry.BUILTIN))
def test_every_type_has_its_settings_and_inputs_in_it(schema: dict[str, Any], name: str) -> None:
    signature = signature_of(registry.find(name))
    settings = {each.name for each in signature.settings}
    inputs = {each.name for each in signature.inputs or ()}
    assert schema["$defs"][f"component:{name}"]["properties"].keys() == {"type"} | settings
    assert schema["$defs"][f"step:{name}"]["properties"].keys() == {"type", "id", "as"} | settings | inputs
    assert schema["$defs"][f"component:{name}"]["description"] == signature.summary != ""


@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: file.name)
def test_the_files_that_ship_are_valid(validator: Draft202012Validator, file: Path) -> None:
    validator.validate(read(file.read_text("utf-8")))


@pytest.mark.parametrize("seed", range(50))
def test_random_right_files_are_valid(validator: Draft202012Validator, seed: int) -> None:
    validator.validate({"ragbraid": 1, **Graphs(seed).file()})


RIGHT = {
    "x- keys": "x-own: {any: [thing]}\nsearch: [{type: ./parts.py:find}]",
    "only flows": """
        flows: {f: {inputs: {question: str, k: {type: int, default: 3}}, steps: [{type: ./parts.py:find}]}}
    """,
    "inline reference": """
        search:
          - {type: lexical, index: {type: testing/list-index, embedder: {type: testing/hash-embedder}}}
    """,
    "null reference": "search: [{type: lexical, index: {type: testing/list-index, embedder: null}}]",
    "inputs": """
        components: {index: {type: testing/list-index}}
        search:
          - {type: lexical, index: index, id: a, k: {value: 3}, question: inputs.question}
          - {type: lexical, index: index, id: b, as: others}
          - {type: rrf, hits: [a, others]}
    """,
    "variables": """
        components:
          e:
            type: ${T:-testing/hash-embedder}
            dimensions: ${N:-8}
        fields: {year: '${F:-int}'}
        search: [{type: '${S:-./parts.py:find}', id: '${I:-a}'}]
    """,
    "branch": """
        search:
          - {type: ./parts.py:find}
          - {type: ./parts.py:few}
          - {when: few, id: w, as: hits, then: [{type: ./parts.py:first}], else: {use: more, k: {value: 5}}}
        flows: {more: [{type: ./parts.py:find}]}
    """,
    "cases": """
        search:
          - {type: ./parts.py:find}
          - {type: ./parts.py:intent}
          - when: intent
            id: sorted
            cases: {billing: [{type: ./parts.py:first}], small-talk: {type: ./parts.py:first, id: one}}
    """,
    "loop": """
        search:
          - {type: ./parts.py:find}
          - {repeat: less, until: {type: ./parts.py:few}, at_most: 3, id: narrowed}
        flows: {less: {inputs: {hits: hits}, steps: [{type: ./parts.py:first}], output: first}}
    """,
    "ingest": """
        ingest: [{type: files}, {type: testing/fixed-splitter}, {type: testing/list-index}]
    """,
    "ingest as a mapping": """
        ingest: {steps: [{type: files}, {type: testing/fixed-splitter}, {type: testing/list-index}]}
    """,
}


@pytest.mark.parametrize("text", RIGHT.values(), ids=RIGHT.keys())
def test_right_files_are_valid(validator: Draft202012Validator, text: str) -> None:
    assert says(text) == []
    validator.validate(read(f"ragbraid: 1\n{dedent(text)}"))


@pytest.mark.parametrize("name", SEEN)
def test_wrong_files_are_invalid(validator: Draft202012Validator, name: str) -> None:
    assert not validator.is_valid(read((WRONG / f"{name}.yaml").read_text("utf-8")))


@pytest.mark.parametrize(
    "text",
    [
        "search: [{type: lexical, index: i, candidates: many}]",
        "search: [{type: lexical, index: i, candidates: '5'}]",
        "search: [{type: lexical, index: i, candidates: 0}]",
        "search: [{type: lexical, index: i, candidate: 5}]",
        "search: [{type: lexical}]",
        "search: [{type: lexical, index: 5}]",
        "search: [{type: lexical, index: {type: fais}}]",
        "search: [{type: lexical, index: i, question: 5}]",
        "search: [{type: lexical, index: i, k: {value: 5, more: 6}}]",
        "search: [{type: lexical, index: i, id: a b}]",
        "search: [{type: lexical, use: i}]",
        "search: [{use: i, when: j}]",
        "search: [{when: i}]",
        "search: [{when: i, cases: {}}]",
        "search: [{when: i, cases: [a]}]",
        "search: [{when: i, cases: {x: a}, then: b}]",
        "search: []",
        "ingest: {steps: []}",
        "ingest: {steps: [{type: files}], inputs: {paths: str}}",
        "ingest: {steps: [{type: files}], output: chunks}",
        "search: lexical",
        "components: {e: {type: testing/hash-embedder, id: mine}}\nsearch: [a]",
        "components: {e: {type: testing/hash-embedder, dimensions: 1.5}}\nsearch: [a]",
        "components: [e]\nsearch: [a]",
        "flows: {a b: [c]}",
        "flows: {a: {step: [c]}}",
        "fields: {year: number}\nsearch: [a]",
        "serach: [a]\nsearch: [a]",
    ],
)
def test_a_mistake_of_form_is_invalid_by_itself(validator: Draft202012Validator, text: str) -> None:
    assert says(text)
    assert not validator.is_valid(read(f"ragbraid: 1\n{text}"))
