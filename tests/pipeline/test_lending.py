"""A pipeline's components, called outside its flows."""

from __future__ import annotations

from pathlib import Path

import pytest

from ragbraid import InputError, Pipeline
from ragbraid.generate.protocol import Request
from ragbraid.pipeline.lender import Lender


@pytest.fixture
def pipeline(tmp_path: Path) -> Pipeline:
    embedder = {"type": "ragbraid.testing.hash_embedder:HashEmbedder"}
    return Pipeline.build(
        base=tmp_path,
        allow=["ragbraid.testing.hash_embedder", "ragbraid.testing.echo_generator"],
        components={
            "embedder": embedder,
            "short": {**embedder, "dimensions": 16},
            "index": {"type": "faiss", "path": "index", "embedder": "short"},
            "echo": {"type": "ragbraid.testing.echo_generator:EchoGenerator"},
        },
        ingest=[{"type": "files"}, {"type": "recursive-splitter"}, "index"],
        search=[{"type": "lexical", "index": "index"}],
        ask=["search", {"type": "quote"}],
    )


def test_a_component_is_found_by_its_name_or_by_what_it_does(pipeline: Pipeline) -> None:
    assert pipeline.part("embedder", "short").embed(["one"]).shape == (1, 16)
    assert pipeline.part("embedder").embed(["one"], "query").shape == (1, 16)  # the one that `ask` leads to
    assert pipeline.part("generator").generate([Request("one two")])[0].text == "one two"  # type: ignore[union-attr]


def test_an_index_keeps_to_the_scope_that_was_asked_for(pipeline: Pipeline, tmp_path: Path) -> None:
    for name, lang in (("a.md", "en"), ("b.md", "de")):
        (tmp_path / name).write_text(f"---\nlang: {lang}\n---\nOne barn.")
    pipeline.ingest(tmp_path)
    assert pipeline.part("index").count() == 2
    german = pipeline.part("index", "index", filter={"lang": "de"})
    assert [each.source for each in german.search_text(["barn"], 5)[0]] == ["b.md"]


def test_what_is_not_there_is_named(pipeline: Pipeline) -> None:
    with pytest.raises(InputError, match="no component 'indx'; did you mean 'index'"):
        pipeline.part("index", "indx")
    with pytest.raises(InputError, match="'echo' is no embedder"):
        pipeline.part("embedder", "echo")
    with pytest.raises(InputError, match="has no generator"):
        Pipeline.build(components={}, flows={}).part("generator")
    pipeline.close()
    with pytest.raises(InputError, match="closed"):
        pipeline.part("index")


def test_a_component_may_stand_alone_and_a_file_opens_once(tmp_path: Path) -> None:
    alone = Lender(
        component={"type": "ragbraid.testing.echo_generator:EchoGenerator"}, allow=["ragbraid.testing"]
    )
    assert alone.part("generator").generate([Request("one")])[0].text == "one"
    first = alone.pipeline
    alone.warm_up("generator")
    assert alone.pipeline is first
    alone.close()
    assert alone.part("generator").generate([Request("two")])[0].text == "two"
    alone.close()


def test_a_pipeline_that_was_given_stays_open(pipeline: Pipeline) -> None:
    lender = Lender(pipeline, "echo")
    lender.close()
    assert lender.part("generator").count_tokens("one two") == 2
