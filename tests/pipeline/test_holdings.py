"""What is stored: told, shown and removed by Python, each caller within its own scope."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from ragbraid import InputError, Pipeline
from ragbraid.errors import FilterError, IndexMissing, SourceMissing
from ragbraid.pipeline.engine import Engine
from ragbraid.pipeline.requests import Caller
from ragbraid.types import Document, Skipped, SourceRef

FILES = {
    "a/one.md": "---\nlang: en\n---\n# One\n\nIron melts late.\n",
    "a/old/two.md": "# Two\n\nIron rusts early.\n",
    "b/three.md": "# Three\n\nCopper does neither.\n",
}


@dataclass(frozen=True, slots=True)
class Rows:
    """A loader of tables: each line `tenant: text` of a file is a source, and all share its origin."""

    def scan(self, paths: Sequence[str], base: Path) -> Iterator[SourceRef | Skipped]:
        for each in sorted(base.glob("*.rows")):
            yield SourceRef(each.name, str(each))

    def fingerprint(self, ref: SourceRef) -> str:
        return hashlib.sha256(Path(ref.location).read_bytes()).hexdigest()

    def load(self, ref: SourceRef) -> Iterator[Document]:
        for number, line in enumerate(Path(ref.location).read_text("utf-8").splitlines(), 1):
            tenant, _, text = line.partition(": ")
            yield Document(f"{ref.origin}#{number}", text, {"tenant": tenant})


def pipeline(folder: Path, loader: str = "files", index: str = "faiss", **more: Any) -> Pipeline:
    for name, text in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, "utf-8")
    (folder / "table.rows").write_text("a: Iron sinks.\nb: Cork floats.\n", "utf-8")
    (folder / "lone.rows").write_text("a: Lead sinks too.\n", "utf-8")
    place = {"path": ".index"} if index == "faiss" else {"embedder": {"type": "testing/hash-embedder"}}
    content = {
        "ragbraid": 1,
        "components": {"index": {"type": index, **place}},
        "ingest": [{"type": loader}, {"type": "recursive-splitter", "max_tokens": 220}, "index"],
        **more,
    }
    (folder / "ragbraid.yaml").write_text(yaml.safe_dump(content, sort_keys=False), "utf-8")
    return Pipeline.load(folder / "ragbraid.yaml", allow=("test_holdings",), engine=Engine())


@pytest.fixture
def opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pipeline]:
    monkeypatch.chdir(tmp_path)
    with pipeline(tmp_path) as opened:
        opened.ingest(["a", "b"])
        yield opened


@pytest.fixture
def tables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pipeline]:
    monkeypatch.chdir(tmp_path)
    with pipeline(tmp_path, "test_holdings:Rows") as opened:
        opened.ingest(".")
        yield opened


def names(pipeline: Pipeline, *wanted: str, **scope: Any) -> list[str]:
    return [each.source for each in pipeline.sources(wanted or None, **scope)]


def test_sources_are_told_with_chunks_and_metadata(opened: Pipeline) -> None:
    found = opened.sources()
    assert [each.source for each in found] == sorted(FILES)
    assert [each.origin for each in found] == sorted(FILES)
    assert [each.chunks for each in found] == [1, 1, 1]
    assert [dict(each.metadata) for each in found] == [
        {"title": "Two"}, {"lang": "en", "title": "One"}, {"title": "Three"},
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("glob", "meant"),
    [
        ("a/one.md", ["a/one.md"]),
        ("a/*", ["a/one.md"]),
        ("a/**", ["a/old/two.md", "a/one.md"]),
        ("**", ["a/old/two.md", "a/one.md", "b/three.md"]),
        ("**/*.md", ["a/old/two.md", "a/one.md", "b/three.md"]),
        ("a/**/*.md", ["a/old/two.md", "a/one.md"]),
        ("?/?n?.md", ["a/one.md"]),
        ("**/t*", ["a/old/two.md", "b/three.md"]),
    ],
)
def test_globs(opened: Pipeline, glob: str, meant: list[str]) -> None:
    assert names(opened, glob) == meant


@pytest.mark.parametrize("glob", ["*", "*.md", "a?one.md", "a/[o]ne.md*", "A/*"])
def test_a_glob_that_means_nothing_is_told(opened: Pipeline, glob: str) -> None:
    with pytest.raises(SourceMissing, match="No source"):
        opened.sources([glob])


@pytest.mark.skipif(sys.platform == "win32", reason="Windows allows no star in a file's name.")
def test_a_source_that_is_named_like_a_glob_is_itself(opened: Pipeline) -> None:
    Path("a/*.md").write_text("Star.", "utf-8")
    opened.ingest(["a"])
    assert names(opened, "a/*.md") == ["a/*.md"]


def test_a_name_that_is_none_gets_the_nearest(opened: Pipeline) -> None:
    with pytest.raises(SourceMissing, match=r"No source 'a/onne\.md' is stored; did you mean 'a/one\.md'\?"):
        opened.sources(["a/onne.md"])
    for ask in (opened.sources, opened.remove):
        with pytest.raises(SourceMissing, match=r"'a/' is a folder.*'a/\*\*'"):
            ask(["a/"])
    with pytest.raises(SourceMissing):
        opened.document("a/old")


def test_filters_and_collections_hold(opened: Pipeline) -> None:
    opened.ingest("b", collection="other")
    assert names(opened, filter={"lang": "en"}) == ["a/one.md"]
    assert names(opened, filter={"lang": {"$exists": False}}) == ["a/old/two.md", "b/three.md"]
    assert names(opened, collection="other") == ["b/three.md"]
    assert names(opened, collection="none") == []
    with pytest.raises(SourceMissing):
        opened.document("a/one.md", collection="other")
    with pytest.raises(SourceMissing):
        opened.document("a/one.md", filter={"lang": "de"})
    assert [each.source for each in opened.remove("b/three.md", collection="other")] == ["b/three.md"]
    assert names(opened, collection="other") == []
    assert "b/three.md" in names(opened)
    with pytest.raises(FilterError):
        opened.sources(filter={"lang": {"$near": "en"}})
    with pytest.raises(InputError):
        opened.sources(collection="")


def test_a_document_is_told_as_it_is_stored_and_cited_though_its_file_is_gone(opened: Pipeline) -> None:
    Path("a/one.md").unlink()
    document = opened.document("a/one.md")
    assert document.text == FILES["a/one.md"]
    assert document.content_hash == hashlib.sha256(document.text.encode()).hexdigest()
    assert (document.media_type, document.pages) == ("text/markdown", ())
    assert dict(document.metadata) == {"lang": "en", "title": "One"}
    (chunk,) = document.chunks
    assert document.text[chunk.start : chunk.end] == chunk.text
    assert len(chunk.id) == 32


def test_a_removed_source_is_gone_until_it_is_ingested_again(opened: Pipeline) -> None:
    removed = opened.remove(["a/**", "a/one.md"])
    assert [each.source for each in removed] == ["a/old/two.md", "a/one.md"]
    assert names(opened) == ["b/three.md"]
    assert Path("a/one.md").exists()
    with pytest.raises(SourceMissing):
        opened.document("a/one.md")
    assert opened.ingest(["a", "b"]).new == 2
    assert names(opened) == sorted(FILES)


def test_nothing_is_removed_where_one_name_means_none(opened: Pipeline) -> None:
    with pytest.raises(SourceMissing):
        opened.remove(["a/one.md", "nothing.md"])
    assert names(opened) == sorted(FILES)


def test_what_shares_an_origin_goes_as_one(tables: Pipeline) -> None:
    with pytest.raises(InputError, match=r"table\.rows holds 'table\.rows#2' too.*Name 'table\.rows'"):
        tables.remove("table.rows#1")
    assert names(tables) == ["lone.rows#1", "table.rows#1", "table.rows#2"]
    assert [each.source for each in tables.remove("lone.rows#1")] == ["lone.rows#1"]
    assert [each.source for each in tables.remove("table.rows")] == ["table.rows#1", "table.rows#2"]
    assert names(tables) == []


def test_all_of_an_origin_may_be_named_one_by_one(tables: Pipeline) -> None:
    removed = tables.remove(["table.rows#?"])
    assert [(each.source, each.origin) for each in removed] == [
        ("table.rows#1", "table.rows"), ("table.rows#2", "table.rows"),
    ]  # fmt: skip


def test_a_caller_sees_and_removes_only_its_own(opened: Pipeline) -> None:
    for name in ("a", "b"):
        opened.as_caller(Caller({"tenant": name}, {"tenant": name})).ingest(name, collection="shared")
    view = opened.as_caller(Caller({"tenant": "b"}))
    assert names(view, collection="shared") == ["b/three.md"]
    assert names(view, collection="shared", filter={"tenant": {"$in": ["a", "b"]}}) == ["b/three.md"]
    assert view.status(collection="shared").sources == 1
    for name in ("a/one.md", "a/**"):
        with pytest.raises(SourceMissing) as told:
            view.remove(name, collection="shared")
        assert "one.md'?" not in str(told.value)
    with pytest.raises(SourceMissing, match=r"No source 'a/one\.md' is stored"):
        view.document("a/one.md", collection="shared")
    assert [each.source for each in view.remove("**", collection="shared")] == ["b/three.md"]
    assert names(opened, collection="shared") == ["a/old/two.md", "a/one.md"]
    assert names(opened) == sorted(FILES)


def test_a_purged_source_is_gone_until_it_is_ingested_again(opened: Pipeline) -> None:
    chosen = opened.sources()[0].source
    assert [each.source for each in opened.purge(chosen)] == [chosen]
    assert chosen not in [each.source for each in opened.sources()]
    with pytest.raises(SourceMissing):
        opened.purge(chosen)


def test_a_caller_can_not_remove_an_origin_of_which_it_sees_a_part(tables: Pipeline) -> None:
    view = tables.as_caller(Caller({"tenant": "a"}))
    assert names(view) == ["lone.rows#1", "table.rows#1"]
    with pytest.raises(InputError, match=r"table\.rows holds what this caller may not remove"):
        view.remove("**")
    assert names(tables) == ["table.rows#1", "table.rows#2"]


def test_status(opened: Pipeline, tmp_path: Path) -> None:
    status = opened.status()
    assert (status.index, status.path) == ("index", tmp_path / ".index")
    assert (status.embedder, status.problem) == (None, None)
    assert (status.collection, status.sources, status.chunks) == ("default", 3, 3)
    assert (status.stale, status.gone) == ((), ())
    assert status.bytes == sum(
        each.stat().st_size for each in (tmp_path / ".index").rglob("*") if each.is_file()
    )
    assert status.changed_at is not None


def test_status_finds_what_an_ingest_would_read_again_and_what_is_gone(opened: Pipeline) -> None:
    Path("a/one.md").write_text("Iron melts at 1538 °C.", "utf-8")
    Path("a/old/two.md").unlink()
    Path("b/new.md").write_text("Not yet stored.", "utf-8")
    before = opened.status()
    assert (before.sources, before.stale, before.gone) == (3, ("a/one.md",), ("a/old/two.md",))
    report = opened.ingest(["a", "b"], prune=True)
    assert (report.changed, report.removed, report.new) == (1, 1, 1)
    after = opened.status()
    assert (after.sources, after.stale, after.gone) == (3, (), ())


def test_an_emptied_file_counts_as_it_is_listed(opened: Pipeline) -> None:
    Path("a/one.md").write_text("", "utf-8")
    opened.ingest(["a", "b"])
    assert (opened.status().sources, opened.status().chunks) == (len(opened.sources()), 2)


def test_another_way_through_ingest_makes_everything_stale(opened: Pipeline, tmp_path: Path) -> None:
    with Pipeline.load(
        tmp_path / "ragbraid.yaml", set={"ingest.recursive-splitter.max_tokens": 50}, engine=Engine()
    ) as other:
        assert other.status().stale == tuple(sorted(FILES))


def test_an_empty_index(tmp_path: Path) -> None:
    with pipeline(tmp_path) as opened:
        assert opened.sources() == []
        status = opened.status()
        assert (status.sources, status.bytes, status.changed_at) == (0, None, None)
        assert (status.stale, status.gone, status.problem) == ((), (), None)
        with pytest.raises(IndexMissing, match="ragbraid ingest"):
            opened.document("a/one.md")
        with pytest.raises(SourceMissing, match=r"nor any other\. Run `ragbraid ingest"):
            opened.remove("a/one.md")
    assert not (tmp_path / ".index").exists()


def test_a_component_without_a_folder_says_nothing_of_it(tmp_path: Path) -> None:
    with pipeline(tmp_path, index="testing/list-index") as opened:
        opened.ingest(tmp_path / "a")
        status = opened.status()
        assert (status.sources, status.path, status.bytes) == (2, None, None)
        assert status.embedder is not None


SEARCH = [{"type": "lexical", "index": "index"}]
INDEX = {"type": "faiss", "path": ".index"}


def test_without_ingest_the_only_index_is_meant(opened: Pipeline, tmp_path: Path) -> None:
    def load(**components: Any) -> Pipeline:
        content = {"ragbraid": 1, "components": components, "search": SEARCH}
        (tmp_path / "read.yaml").write_text(yaml.safe_dump(content), "utf-8")
        return Pipeline.load(tmp_path / "read.yaml", engine=Engine())

    with load(index=INDEX) as reading:
        assert names(reading) == sorted(FILES)
        assert (reading.status().stale, reading.status().gone) == (None, None)
    with (
        load(index=INDEX, more={**INDEX, "path": ".more"}) as two,
        pytest.raises(InputError, match=r"2 indexes.*Add an `ingest` section"),
    ):
        two.sources()


def test_a_closed_pipeline_says_so(tmp_path: Path) -> None:
    with pipeline(tmp_path) as opened:
        pass
    for ask in (opened.sources, opened.status):
        with pytest.raises(InputError, match="closed"):
            ask()
