"""A pipeline built in Python is the one that its file would give, and its mistakes are named in the call."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import parts
import pytest
import run_parts
from language import HERE
from round_trip import demand_round_trip, described

import ragbraid
import ragbraid.components
from ragbraid import Pipeline, PipelineFileError, components, ref, registry
from ragbraid.components import Dense, Faiss, Files, Lexical, RecursiveSplitter, Rrf
from ragbraid.pipeline.check import CheckedPipeline, check
from ragbraid.pipeline.engine import Engine
from ragbraid.pipeline.find import PipelineSource
from ragbraid.testing.fakes import HashEmbedder
from ragbraid.types import Hit

EMBEDDER = HashEmbedder()
INDEX = Faiss(path=Path("here/index"), embedder=EMBEDDER)  # type: ignore[arg-type]  # a value, not a runtime


def few(hits: list[Hit], *, limit: int = 3) -> bool:
    """Whether there are few hits."""
    return len(hits) < limit


def build(**sections: Any) -> CheckedPipeline:
    return Pipeline.build(base=HERE, engine=Engine(), **sections)._checked


def said(**sections: Any) -> list[str]:
    with pytest.raises(PipelineFileError) as caught:
        build(**sections)
    return str(caught.value).splitlines()


def read(text: str, allow: tuple[str, ...] = ()) -> CheckedPipeline:
    found = check(PipelineSource(f"ragbraid: 1\nname: pipeline\n{text}", "file.yaml", HERE), allow=allow)
    assert found.pipeline is not None, [str(each) for each in found.diagnostics]
    return found.pipeline


WAYS: dict[str, dict[str, Any]] = {
    "values": {
        "components": {"embedder": EMBEDDER, "index": INDEX},
        "fields": {"lang": "str"},
        "ingest": [Files(), RecursiveSplitter(embedder=EMBEDDER, max_tokens=200), INDEX],  # type: ignore[arg-type]
        "search": [
            Dense(index=INDEX),  # type: ignore[arg-type]
            Lexical(index=INDEX, candidates=10),  # type: ignore[arg-type]
            {"type": Rrf(constant=50), "hits": ["dense", "lexical"]},
        ],
    },
    "names": {
        "components": {
            "embedder": HashEmbedder,
            "index": Faiss(path=Path("here/index"), embedder=ref("embedder")),
        },
        "fields": {"lang": "str"},
        "ingest": [Files, RecursiveSplitter(embedder=ref("embedder"), max_tokens=200), "index"],
        "search": [
            Dense(index=ref("index")),
            {"type": Lexical, "index": "index", "candidates": 10},
            {"type": "rrf", "constant": 50, "hits": ["dense", "lexical"]},
        ],
    },
    "mappings": {
        "components": {
            "embedder": {"type": "testing/hash-embedder"},
            "index": {"type": "faiss", "path": "here/index", "embedder": "embedder"},
        },
        "fields": {"lang": "str"},
        "ingest": {
            "steps": [
                {"type": "files"},
                {"type": "recursive-splitter", "embedder": "embedder", "max_tokens": 200},
                "index",
            ]
        },
        "search": (
            {"type": "dense", "index": "index"},
            {
                "type": "lexical",
                "index": {"type": Faiss, "path": Path("here/index"), "embedder": EMBEDDER},
                "candidates": 10,
            },
            {"type": "rrf", "constant": 50, "hits": ("dense", "lexical")},
        ),
    },
}  # fmt: skip
FILE = """\
components:
  embedder: {type: testing/hash-embedder}
  index: {type: faiss, path: here/index, embedder: embedder}
ingest:
  - {type: files}
  - {type: recursive-splitter, embedder: embedder, max_tokens: 200}
  - index
search:
  - {type: dense, index: index}
  - {type: lexical, index: index, candidates: 10}
  - {type: rrf, constant: 50, hits: [dense, lexical]}
fields: {lang: str}
"""


@pytest.mark.parametrize("way", WAYS)
def test_every_way_of_building_equals_the_file(way: str) -> None:
    built = build(**WAYS[way])
    assert described(built) == described(read(FILE))
    demand_round_trip(built)


def test_it_is_written_as_a_person_would() -> None:
    built = build(**WAYS["values"], description="Two\nlines: one # two")
    assert demand_round_trip(built) == (
        "ragbraid: 1\nname: pipeline\n"
        "components:\n"
        "  embedder: {type: testing/hash-embedder}\n"
        "  index: {type: faiss, path: here/index, embedder: embedder}\n"
        "fields: {lang: str}\n"
        "ingest:\n"
        "  - {type: files}\n"
        "  - {type: recursive-splitter, embedder: embedder, max_tokens: 200}\n"
        "  - index\n"
        "search:\n"
        "  - {type: dense, index: index}\n"
        "  - {type: lexical, index: index, candidates: 10}\n"
        "  - {type: rrf, constant: 50, hits: [dense, lexical]}\n"
        "description: |-\n  Two\n  lines: one # two\n"
    )


def test_different_pipelines_are_not_taken_for_equal() -> None:
    one = described(read(FILE))
    changes = {"50": "51", "[dense, lexical]": "[lexical, dense]", "lang": "year", "here": "there"}
    for old, new in changes.items():
        assert described(read(FILE.replace(old, new))) != one


def test_a_built_pipeline_runs() -> None:
    search = [run_parts.Find(), {"type": parts.first, "id": "top"}]
    with Pipeline.build(search=search, engine=Engine()) as pipeline:
        assert len(pipeline.search("pump")) == 1


def test_functions_branches_and_flows() -> None:
    sections: dict[str, Any] = {
        "search": [
            run_parts.Find(seed=3),
            {"type": few, "limit": 5},
            {"when": "few", "then": [{"use": "again"}], "else": {"type": run_parts.drop, "most": 2}},
        ],
        "flows": {
            "again": {
                "inputs": {"question": "str", "k": {"type": "int", "default": 4}},
                "steps": [run_parts.Find],
            }
        },
    }
    text = demand_round_trip(build(**sections), allow=("test_build", "run_parts"))
    written = "  - when: few\n    then:\n      - {use: again}\n    else: {type: 'run_parts:drop', most: 2}\n"
    assert written in text


def test_mistakes_are_named_at_their_place_in_the_call() -> None:
    assert said(
        components={"index": Faiss(embedder=ref("embeder")), "embedder": HashEmbedder()},
        asks=[],
        search=[
            Dense(index=ref("index"), candidates=0),
            {"type": Lexical, "index": "index", "candidate": 3},
            {"type": Rrf(), "hits": ["dense", "lexikal"]},
            42,
        ],
    ) == [
        "components.index.embedder: error: "
        "embedder: there is no component 'embeder'; did you mean 'embedder'?",
        "asks: error: there is no section 'asks'; did you mean 'ask'?",
        "search[0].candidates: error: candidates: wants at least 1, not 0",
        "search[1].candidate: error: "
        "'lexical' has no setting or input 'candidate'; did you mean 'candidates'?",
        "search[2].hits[1]: error: there is no value 'lexikal' at this step; did you mean 'lexical'?",
        "search[3]: error: a step is a name or a mapping, not 42",
    ]


def test_a_pipeline_without_a_flow() -> None:
    (line,) = said()
    assert line.startswith("Pipeline.build: error: there is no flow")


def test_what_no_file_could_hold() -> None:
    def local(hits: list[Hit]) -> list[Hit]:
        return hits

    ring: dict[str, Any] = {}
    ring["type"], ring["one"], ring["two"] = "rrf", ring, ring
    assert said(search=[run_parts.Find(), local, {1: 2}, {"type": Rrf(constant=5), "constant": 6}]) == [
        "search[1]: error: test_what_no_file_could_hold.<locals>.local doesn't stand at the top of a module, "
        "so a file couldn't name it",
        "search[2].1: error: a key is text, not 1",
        "search[3].constant: error: constant is set twice: in the component and beside it",
    ]
    assert "Pipeline.build: error: what it is given is nested more than 40 levels deep" in said(search=[ring])
    assert "Pipeline.build: error: what it is given is more than 20,000 values" in said(
        eval={"numbers": list(range(30_000))}
    )
    assert said(search=[{"type": "files", "root": {1, 2}}, run_parts.Find()])


def test_own_code_needs_no_leave_when_its_caller_gives_it() -> None:
    assert build(search=[run_parts.Find()]).flows
    assert said(search=["run_parts:Find"])
    assert "add --allow run_parts" in said(search=[{"type": "run_parts:Find"}])[0]


def test_every_component_of_ours_can_be_imported_by_its_name() -> None:
    ours = {name: registry.find(name) for name in registry.BUILTIN if not name.startswith("testing/")}
    assert {each.__name__ for each in ours.values()} == set(dir(components))
    for name, each in ours.items():
        assert getattr(components, each.__name__) is each
        assert registry.name_of(each) == name
    source = Path(components.__file__).read_text("utf-8")
    assert [each for each in dir(components) if f"import {each} as {each}\n" not in source] == []
    assert "ref" in ragbraid.__all__
    with pytest.raises(AttributeError, match="has no attribute 'Nothing'"):
        _ = components.Nothing


def test_every_component_is_named() -> None:
    assert ragbraid.components.__all__ == dir(ragbraid.components)
