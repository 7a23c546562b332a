"""Parts of another framework as components: found, checked, wired and blamed by the core alone."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from framework import install

from ragbraid import InputError, Pipeline, PipelineFileError
from ragbraid.bridge import as_component
from ragbraid.context import Cancellation, Context
from ragbraid.errors import Cancelled, IndexStoreError, MissingDependency, ModelError, StepError
from ragbraid.generate.protocol import Quotes, Request
from ragbraid.pipeline.engine import Engine
from ragbraid.testing import HashEmbedder, ListIndex, MemoryLoader

FILE = """\
ragbraid: 1
search:
  - {type: langchain, object: "own_parts:retriever"}
"""


@pytest.fixture
def parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    install(tmp_path, monkeypatch)
    yield import_module("langchain_core.parts")
    for name in ("langchain_core", "langchain_core.parts", "own_parts", "fake_connector"):
        sys.modules.pop(name, None)


def load(folder: Path, text: str, *allow: str) -> Pipeline:
    (folder / "ragbraid.yaml").write_text(text, "utf-8")
    return Pipeline.load(folder / "ragbraid.yaml", allow=allow, engine=Engine())


def test_a_file_alone_runs_nothing(parts: Any, tmp_path: Path) -> None:
    with pytest.raises(
        PipelineFileError, match=r"yaml:3:\d+: error: 'own_parts:retriever' is code of its own; "
    ):
        load(tmp_path, FILE)
    assert "own_parts" not in sys.modules


def test_a_cache_before_it_wants_ones_word(parts: Any, tmp_path: Path) -> None:
    step = "[{type: langchain, object: 'own_parts:retriever'}, {type: quote}]"
    text = f"ragbraid: 1\nask: [{{cache: {{type: answer-cache}}, PURE then: {step}}}]\n"
    with pytest.raises(PipelineFileError, match="can't know whether own_parts:retriever gives the same"):
        load(tmp_path, text.replace("PURE", ""), "own_parts")
    load(tmp_path, text.replace("PURE", "pure: true,"), "own_parts").close()


def test_an_allowed_object_is_made_when_it_is_used(parts: Any, tmp_path: Path) -> None:
    with load(tmp_path, FILE, "own_parts") as pipeline:
        own = sys.modules["own_parts"]
        assert own.print_made == []
        hits = pipeline.search("when?", k=1)
        assert own.print_made == ["retriever"]
    assert [(hit.id, hit.source, hit.text) for hit in hits] == [("a", "a", "The office opens at nine.")]
    assert hits[0].scores == {"langchain": 1.0}
    assert (hits[0].start, hits[0].end) == (0, 25)


@pytest.mark.parametrize(
    ("step", "said"),
    [
        ("type: langchain", "'langchain' wants the setting `object`"),
        ("type: langchain, object: 'own_parts:vague'", "'own_parts:vague' doesn't say what it makes"),
        ("type: langchain, object: 'own_parts:other'", "'own_parts:other' is a int, which is no part of"),
        ("type: langchain, object: 'own_parts:memory'", "A Memory of langchain can't be a step. What can is"),
        ("type: langchain, object: 'own_parts:none'", "own_parts has no 'none'"),
        ("type: haystack, object: 'own_parts:retriever'", "is a Retriever, which is no part of haystack"),
        ("type: langchain, object: 'own_parts:retriever', top: 3", "has no setting or input 'top'"),
    ],
)
def test_what_is_wrong_is_said_by_the_check(parts: Any, tmp_path: Path, step: str, said: str) -> None:
    with pytest.raises(PipelineFileError) as caught:
        load(tmp_path, f"ragbraid: 1\nsearch:\n  - {{{step}}}\n", "own_parts")
    assert said in str(caught.value)


def test_an_entry_point_stands_for_an_object(parts: Any, tmp_path: Path) -> None:
    for step in ("{id: notes, type: acme/notes}", "{type: langchain, object: acme/notes}"):
        with load(tmp_path, f"ragbraid: 1\nsearch:\n  - {step}\n") as pipeline:
            assert len(pipeline.search("when?")) == 2


def test_a_connector_that_is_missing_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path, monkeypatch, connector=False)
    made = import_module("langchain_core.parts").Retriever()
    with pytest.raises(MissingDependency, match="Run `pip install langchain-ragbraid`"):
        as_component(made)
    with pytest.raises(PipelineFileError, match="pip install langchain-ragbraid"):
        load(tmp_path, FILE, "own_parts")


def test_what_is_of_no_framework_is_refused(parts: Any) -> None:
    for each in (object(), len, int):
        with pytest.raises(InputError, match="is no part of langchain, llama-index, haystack"):
            as_component(each)


def test_a_retriever_keeps_to_no_scope_and_is_refused_under_one(parts: Any) -> None:
    with Pipeline.build(engine=Engine(), search=[as_component(parts.Retriever())]) as pipeline:
        assert len(pipeline.search("q")) == 2
        for scope in ({"filter": {"year": 1}}, {"collection": "hr"}):
            with pytest.raises(IndexStoreError, match=r"parts.Retriever can't keep to a filter"):
                pipeline.search("q", **scope)  # type: ignore[arg-type]


def test_an_error_names_the_part_and_keeps_its_cause(parts: Any) -> None:
    pipeline = Pipeline.build(engine=Engine(), search=[as_component(parts.Scored(), name="shop")])
    with pipeline, pytest.raises(StepError, match="shop failed with RuntimeError: the store is") as caught:
        pipeline.search("q")
    assert isinstance(caught.value.__cause__, RuntimeError)


def test_a_live_object_cant_be_written_to_a_file(parts: Any) -> None:
    pipeline = Pipeline.build(engine=Engine(), search=[as_component(parts.Retriever())])
    with pipeline, pytest.raises(InputError, match="is an object of the running program"):
        pipeline.to_yaml()


def test_a_reranker_orders_and_makes_nothing_up(parts: Any) -> None:
    steps = [as_component(parts.Retriever()), as_component(parts.Reranker(), name="by length")]
    with Pipeline.build(engine=Engine(), search=steps) as pipeline:
        hits = pipeline.search("q")
    assert [hit.id for hit in hits] == ["a", "b"]
    assert [hit.score for hit in hits] == [1.0, 0.5]
    assert [*hits[1].scores.values()] == [0.5, 0.5]


def test_an_ingest_of_their_parts_alone(parts: Any, tmp_path: Path) -> None:
    embedder = as_component(parts.Embedder(), max_tokens=64)
    index = ListIndex(embedder=embedder)  # type: ignore[arg-type]
    steps = [as_component(parts.Loader(), name="shop"), as_component(parts.Splitter()), index]
    search: Any = [{"type": "dense", "index": index}]
    with Pipeline.build(
        engine=Engine(), components={"index": index}, ingest=steps, search=search
    ) as pipeline:
        report = pipeline.ingest([])
        assert [each.source for each in report.skipped] == ["loader:shop/odd"]
        assert "has the key 1, which is no string" in report.skipped[0].reason
        assert pipeline.ingest([]).unchanged == 2
        assert [each.source for each in pipeline.sources()] == ["loader:shop/notes", "loader:shop/notes#2"]
        document = pipeline.document("loader:shop/notes")
        assert [each.text for each in document.chunks] == ["One.", "Two, which is longer."]
        assert all(document.text[each.start : each.end] == each.text for each in document.chunks)
        assert document.metadata["year"] == 2024
        assert len(pipeline.search("two")) == 3


def test_a_splitter_that_changes_the_text_is_refused(parts: Any) -> None:
    index = ListIndex(embedder=HashEmbedder())  # type: ignore[arg-type]
    loader = MemoryLoader({"a.txt": "Some text."})
    with Pipeline.build(
        engine=Engine(),
        components={"index": index},
        ingest=[loader, as_component(parts.Shouting()), index],
        search=[{"type": "dense", "index": index}],
    ) as pipeline:
        (failed,) = pipeline.ingest(["."]).failed
    assert "isn't in its text: 'SOME TEXT.'" in failed.reason


def test_an_embedders_identity_is_its_class_and_plain_settings(parts: Any) -> None:
    small, same, large = (as_component(parts.Embedder(each)).open() for each in ("small", "small", "large"))
    assert small.identity == same.identity != large.identity
    large._made.value.api_key = "another"
    assert as_component(parts.Embedder("large")).open().identity == large.identity
    vectors = small.embed(["a", "abc"])
    assert vectors.shape == (2, small.dimensions)
    assert abs((vectors**2).sum(axis=1) - 1).max() < 1e-6
    assert small.embed([]).shape == (0, 3)
    small._part.made.embed = lambda text: [0.0, 0.0, 0.0]
    with pytest.raises(ModelError, match="gave a vector that is zero"):
        small.embed(["a"])


def test_a_model_streams_stops_and_is_held_to_quotes(parts: Any) -> None:
    model = as_component(parts.Model()).open()
    request = Request("When?", stop=(" stop",))
    *pieces, last = model.stream(request)
    assert "".join(pieces) == last.text == "Nine o'clock."
    assert model.generate([request]) == [last]
    (quoted,) = model.generate([Request("When?", constraint=Quotes(("At nine.",), abstention="Unknown"))])
    assert quoted.text == "Unknown"
    cancellation = Cancellation()
    stream = model.stream(request, context=Context(cancellation))
    next(stream)
    cancellation.cancel()
    with pytest.raises(Cancelled):
        list(stream)
