"""Which parts a pipeline is exported as, and what is said of the rest."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
import yaml

from ragbraid.errors import InputError, PipelineFileError
from ragbraid.exchange.exporting.chain import Chain, chain_of
from ragbraid.exchange.exporting.haystack import haystack
from ragbraid.exchange.exporting.langchain import langchain
from ragbraid.exchange.exporting.llama_index import llama_index
from ragbraid.exchange.exporting.script import literal
from ragbraid.pipeline.find import find, packaged_names

PIPELINES = Path(__file__).resolve().parents[2] / "pipelines"
INDEX = "ragbraid: 1\ncomponents:\n  index: {type: faiss, path: words}\n"


def chain(folder: Path, text: str) -> Chain:
    file = folder / "ragbraid.yaml"
    file.write_text(INDEX + text, "utf-8")
    return chain_of(find(file))


@pytest.mark.parametrize("name", packaged_names())
def test_every_packaged_pipeline_becomes_something_that_runs(name: str) -> None:
    found = chain_of(find(PIPELINES / f"{name}.yaml"))
    told = yaml.safe_load(haystack(found))
    assert len(told["connections"]) == len(told["components"]) - 1
    for write in (langchain, llama_index):
        compile(write(found), name, "exec")


def test_paths_are_absolute_and_variables_stay_so_that_no_secret_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_KEY", "not to be told")
    generator = "{type: openai, base_url: 'http://x', model: m, api_key: '${MY_KEY}'}"
    found = chain(
        tmp_path,
        "search:\n  - {type: lexical, index: index}\n  - {type: bigrams, hits: hits}\n"
        f"ask:\n  - search\n  - {{type: compose, generator: {generator}}}\n",
    )
    assert [(each.kind, each.k) for each in found.parts] == [
        ("words", 30),
        ("reranker", 10),
        ("answer", None),
    ]
    assert found.parts[0].index == (tmp_path / "words").as_posix()
    assert found.parts[2].step["generator"]["api_key"] == "${MY_KEY}"
    assert "not to be told" not in haystack(found) + langchain(found) + llama_index(found)


@pytest.mark.parametrize(
    ("flows", "kinds", "reason"),
    [
        (
            "search:\n  - {type: lexical, index: index, operators: 'on'}\nask: [search, {type: quote}]\n",
            ["search", "answer"],
            "The search is one part: `lexical` reads operators",
        ),
        (
            "search:\n  - {id: found, type: lexical, index: index}\nask: [search, {type: quote}]\n",
            ["search", "answer"],
            "`found` has no equivalent",
        ),
        (
            "flows:\n  other: [{type: lexical, index: index}]\nask: [other, {type: quote}]\n",
            ["pipeline"],
            "calls a flow in a way of its own",
        ),
        (
            "ask:\n  - {type: lexical, index: index}\n  - {type: quote, question: {value: barn}}\n",
            ["pipeline"],
            "`quote` reads more than the hits",
        ),
    ],
)
def test_what_cant_be_said_part_by_part_is_one_part_with_its_reason(
    flows: str, kinds: list[str], reason: str, tmp_path: Path
) -> None:
    found = chain(tmp_path, flows)
    assert [each.kind for each in found.parts] == kinds
    assert reason in found.notes[0]


def test_other_flows_are_told_to_be_left_out(tmp_path: Path) -> None:
    found = chain(
        tmp_path,
        "ask:\n  - {type: lexical, index: index}\n  - {type: quote}\nchat:\n  - ask\nfields: {year: int}\n",
    )
    assert found.notes == (
        "Left out, since `ask` alone is exported: chat.",
        "`fields` is left out: any key of the metadata can be filtered by.",
    )


def test_a_pipeline_that_is_wrong_or_answers_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PipelineFileError, match="lexcal"):
        chain(tmp_path, "search: [{type: lexcal, index: index}]\n")
    with pytest.raises(InputError, match="has no flow `ask`"):
        chain(tmp_path, "search: [{type: lexical, index: index}]\n")


@pytest.mark.parametrize("value", [float("inf"), float("-inf"), 1e300, 0.1])
def test_a_number_in_a_script_is_that_number(value: float) -> None:
    told = ast.parse(literal(value), mode="eval").body
    if isinstance(told, ast.Call):
        assert ast.unparse(told.func) == "float"
        told = told.args[0]
    assert float(ast.literal_eval(told)) == value
