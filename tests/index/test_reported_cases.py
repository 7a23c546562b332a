"""An index behind a pipeline: moved, cut short, filtered, asked oddly, opened with another model."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ragbraid import InputError, Pipeline
from ragbraid.errors import IndexMismatch, IndexMissing
from ragbraid.index.faiss import Faiss
from ragbraid.ingest import IngestReport, Progress, batches
from ragbraid.pipeline.engine import Engine
from ragbraid.testing.hash_embedder import HashEmbedder
from ragbraid.testing.index import EMBEDDER, change, embedded
from ragbraid.types import Scope
from soaking import count

SOURCES = str(Path(__file__).parents[2] / "src")
FLOWS = ("dense", "words", "search")
"""By vectors, by words, and both fused."""


def pipeline(folder: Path, dimensions: int = 16) -> Pipeline:
    """A pipeline in `folder` whose flows search its index in each way, with an engine of its own."""
    dense, lexical = ({"type": each, "index": "index", "candidates": 30} for each in ("dense", "lexical"))
    flows: dict[str, Any] = {"dense": [dense], "words": [lexical]}
    return Pipeline.build(
        base=folder,
        engine=Engine(),
        components={
            "embedder": {"type": "testing/hash-embedder", "dimensions": dimensions},
            "index": {"type": "faiss", "path": ".index", "embedder": "embedder"},
        },
        ingest=[{"type": "files"}, {"type": "recursive-splitter", "max_tokens": 220}, "index"],
        search=[dense, lexical, {"type": "rrf", "hits": ["dense", "lexical"]}],
        ask=["search", {"type": "quote"}],
        flows=flows,
    )


def write(folder: Path, **texts: str) -> None:
    for name, text in texts.items():
        (folder / "docs").mkdir(parents=True, exist_ok=True)
        (folder / "docs" / f"{name}.md").write_text(text, "utf-8")


def ingest(opened: Pipeline, **options: Any) -> IngestReport:
    return opened.ingest(opened.base / "docs", **options)


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Pipeline]:
    write(tmp_path, **{f"n{i}": f"Goat number {i} eats hay." for i in range(3)})
    with pipeline(tmp_path) as made:
        yield made


def test_an_ingest_that_ends_half_way_is_made_up_for_without_a_second_copy(
    opened: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken_off(_: Progress) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(batches, "PATIENCE", 0.0)  # each source is a commit of its own
    with pytest.raises(KeyboardInterrupt):
        ingest(opened, on_progress=broken_off)
    assert [each.source for each in opened.sources()] == ["docs/n0.md"]
    report = ingest(opened)
    assert (report.unchanged, report.new, report.embedded) == (1, 2, 2)
    for flow in FLOWS:
        found = opened.run(flow, question="goat hay", k=9)
        assert sorted(hit.source for hit in found) == ["docs/n0.md", "docs/n1.md", "docs/n2.md"]


@pytest.mark.parametrize("flow", FLOWS)
def test_a_file_that_was_deleted_and_is_back_is_found_once(
    opened: Pipeline, tmp_path: Path, flow: str
) -> None:
    ingest(opened)
    file = tmp_path / "docs" / "n1.md"
    data = file.read_bytes()
    for _ in range(2):
        file.unlink()
        assert ingest(opened, prune=True).removed == 1
        file.write_bytes(data)
        report = ingest(opened)
        assert (report.new, report.embedded) == (1, 0)
        sources = [hit.source for hit in opened.run(flow, question="goat number 1", k=9)]
        assert sources.count("docs/n1.md") == 1


def test_new_metadata_alone_is_filtered_by_and_embeds_nothing(opened: Pipeline) -> None:
    ingest(opened, metadata={"v": 1})
    report = ingest(opened, metadata={"v": 2})
    assert (report.changed, report.embedded) == (3, 0)
    for flow in FLOWS:
        assert len(opened.run(flow, question="goat", k=9, filter={"v": 2})) == 3
        assert opened.run(flow, question="goat", k=9, filter={"v": 1}) == []


def test_a_folder_that_moves_with_its_index_is_still_cited_and_embedded_no_more(tmp_path: Path) -> None:
    write(tmp_path / "proj", goats="Goats eat hay.\n\nThe gate is locked at nine.\n")
    with pipeline(tmp_path / "proj") as before:
        ingest(before)
    moved = (tmp_path / "proj").rename(tmp_path / "proj2")
    with pipeline(moved) as after:
        assert [hit.source for hit in after.search("When is the gate locked?")] == ["docs/goats.md"]
        citations = after.ask("When is the gate locked?").citations
        assert citations
        for each in citations:
            assert (moved / each.source).read_text("utf-8")[each.start : each.end] == each.quote
        report = ingest(after)
        assert (report.unchanged, report.new, report.changed, report.embedded) == (1, 0, 0, 0)


@pytest.mark.parametrize("deletes", [0, 500])
def test_a_few_far_documents_are_found_behind_thousands_of_near_ones(tmp_path: Path, deletes: int) -> None:
    near = [change(f"a{i}", ["the goat eats hay"], metadata={"tag": "a"}) for i in range(5000)]
    far = [change(f"b{i}", [f"cows, dogs and one goat {i}"], metadata={"tag": "b"}) for i in range(3)]
    index = Faiss(tmp_path / ".index", EMBEDDER).open()
    index.upsert([*near, *far])
    index.delete([f"a{i}" for i in range(deletes)])
    index.close()
    with pipeline(tmp_path) as opened:
        for flow in FLOWS:
            found = opened.run(flow, question="the goat eats hay", k=3, filter={"tag": "b"})
            assert {hit.source for hit in found} == {"b0", "b1", "b2"}


def test_metadata_is_exact_and_filtered_by_after_it_is_opened_again(tmp_path: Path) -> None:
    metadata = {"tags": ["a", "b"], "n": {"k": 1}, "id": 2**60 + 7, "when": date(2024, 1, 31)}
    index = Faiss(tmp_path / "index", EMBEDDER).open()
    index.upsert([change("a", ["goat"], metadata=metadata), change("b", ["goat"], metadata={"id": 2**60})])
    index.close()
    index = Faiss(tmp_path / "index", EMBEDDER).open()
    (hit,) = index.search_text(["goat"], 9, scope=Scope(filter={"id": 2**60 + 7}))[0]
    assert dict(hit.metadata) == metadata
    assert [type(hit.metadata[each]) for each in metadata] == [list, dict, int, date]
    index.close()


def test_of_names_that_look_like_queries_only_the_one_that_is_named_goes(tmp_path: Path) -> None:
    names = ["D'Arc", "z' OR 2=2 --", 'a"b', "a%_b", "axxb", "a\\b", "ü/é"]
    index = Faiss(tmp_path / "index", EMBEDDER).open()
    index.upsert([change(each, ["goat"]) for each in names])
    assert index.delete([]) == 0
    while names:
        assert {each.source for each in index.sources()} == set(names)
        assert {hit.source for hit in index.search_vector(embedded("goat"), 9)[0]} == set(names)
        assert index.delete([names.pop(0)]) == 1
    assert index.count() == 0
    index.close()


@pytest.mark.parametrize("flow", FLOWS)
@pytest.mark.parametrize(
    "question", ["goats here:", "who's late, and why?", '12" plank', "C++ (draft", "AND", "-x"]
)
def test_a_question_in_any_flow_is_words_and_no_syntax(tmp_path: Path, flow: str, question: str) -> None:
    write(tmp_path, asked=f"{question}\n", other="something different\n")
    with pipeline(tmp_path) as opened:
        ingest(opened)
        assert opened.run(flow, question=question, k=5)[0].source == "docs/asked.md"


@pytest.mark.parametrize("flow", FLOWS)
def test_nothing_stored_nothing_asked_and_more_asked_than_stored(opened: Pipeline, flow: str) -> None:
    with pytest.raises(IndexMissing, match="nothing"):
        opened.run(flow, question="goat", k=5)
    ingest(opened)
    assert len({hit.id for hit in opened.run(flow, question="goat", k=50)}) == 3
    for blank in ("", "  \n", "\u200b"):
        with pytest.raises(InputError, match="is empty"):
            opened.run(flow, question=blank, k=5)
    opened.remove("docs/*")
    assert opened.run(flow, question="goat", k=5) == []


def test_equal_hits_come_in_one_order_in_every_process(tmp_path: Path) -> None:
    write(tmp_path, **{f"n{i}": "The same goat." for i in range(20)})
    with pipeline(tmp_path) as opened:
        ingest(opened)
        (tmp_path / "ragbraid.yaml").write_text(opened.to_yaml(), "utf-8")
    program = (
        "import json; from ragbraid import Pipeline\n"
        "with Pipeline.load('ragbraid.yaml') as opened:\n"
        f"    print(json.dumps([[hit.id for hit in opened.run(flow, question='goat', k=k)]\n"
        f"                      for flow in {FLOWS} for k in (10, 20)]))"
    )
    said = set()
    for seed in "01234":
        environment = {**os.environ, "PYTHONPATH": SOURCES, "PYTHONHASHSEED": seed, "OMP_NUM_THREADS": "1"}
        said.add(subprocess.check_output([sys.executable, "-c", program], cwd=tmp_path, env=environment))
    (once,) = said
    orders = json.loads(once)
    for ten, twenty in zip(orders[::2], orders[1::2], strict=True):
        assert (len(set(ten)), len(set(twenty))) == (10, 20)
        assert twenty[:10] == ten


def test_another_model_is_refused_by_vectors_and_words_still_find(opened: Pipeline, tmp_path: Path) -> None:
    ingest(opened)
    opened.close()
    write(tmp_path, new="One more goat.")
    built, given = (HashEmbedder(dimensions=each).open().identity for each in (16, 32))
    with pipeline(tmp_path, dimensions=32) as other:
        refused: list[Callable[[], object]] = [
            lambda: other.run("dense", question="goat", k=5),
            lambda: other.search("goat"),
            lambda: ingest(other),
        ]
        for each in refused:
            with pytest.raises(IndexMismatch) as raised:
                each()
            assert built in str(raised.value)
            assert given in str(raised.value)
            assert "ragbraid ingest" in raised.value.hint
        assert len(other.run("words", question="goat", k=5)) == 3
    with pipeline(tmp_path) as again:
        assert len(again.sources()) == 3
        assert len(again.run("dense", question="goat", k=5)) == 3


def test_tens_of_thousands_of_sources_in_one_call(tmp_path: Path) -> None:
    many = count(33_000, 60_000)  # SQLite takes 32,766 variables at most
    vectors = np.random.default_rng(0).standard_normal((many, 1, 4), dtype=np.float32)
    vectors /= np.linalg.norm(vectors, axis=2, keepdims=True)
    index = Faiss(tmp_path / "index", HashEmbedder(dimensions=4).open()).open()
    names = [f"s{i}" for i in range(many)]
    index.upsert([change(each, ["goat"], vectors=vectors[i], id=each) for i, each in enumerate(names)])
    assert [hit.source for hit in index.get(names)] == names
    assert index.delete(names[1:]) == many - 1
    assert [each.source for each in index.sources()] == ["s0"]
    index.close()
