"""What an ingest takes in, leaves alone, renames and removes; with the fakes, which count their calls."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from ragbraid.errors import InputError
from ragbraid.ingest import IngestFlow, IngestReport, Progress, ingest
from ragbraid.ingest.report import Reason
from ragbraid.testing import FixedSplitter, HashEmbedder, ListIndex, MemoryLoader
from ragbraid.types import Chunk, Document, Skipped, SourceRef


@dataclass
class Bench:
    """One index, and the documents that are there to be ingested."""

    texts: dict[str, str] = field(default_factory=dict)
    words: int = 3

    def __post_init__(self) -> None:
        self.embedder = HashEmbedder().open()
        self.index = ListIndex(self.embedder).open()
        self.told: list[Progress] = []

    def run(
        self,
        *paths: str,
        loaders: Any = None,
        digest: str = "",
        keeps_documents: bool = False,
        **options: Any,
    ) -> IngestReport:
        splitter = FixedSplitter(self.words)
        flow = IngestFlow(
            loaders or [MemoryLoader(self.texts)],
            lambda documents: (documents, splitter(documents)),
            self.index,
            digest or f"words={self.words}",
            keeps_documents,
        )
        self.told.clear()
        paths = paths or (".",)
        return ingest(flow, paths, base=Path.cwd(), on_progress=self.told.append, **options)

    def stored(self) -> dict[str, list[str]]:
        """Source → the texts of its chunks, after checking that they are the documents' own."""
        found = {}
        for state in self.index.sources():
            document = self.index.document(state.source)
            assert document is not None
            hits = [hit for hit in self._all() if hit.source == state.source]
            assert len(hits) == state.chunks
            assert all(document.text[hit.start : hit.end] == hit.text for hit in hits)
            found[state.source] = [hit.text for hit in sorted(hits, key=lambda hit: hit.start)]
        return found

    def _all(self) -> list[Any]:
        return self.index.search_vector(self.embedder.embed(["any"]), 100_000)[0]


def counts(report: IngestReport) -> dict[str, int]:
    kinds = ("new", "changed", "renamed", "unchanged", "removed", "gone")
    return {each: getattr(report, each) for each in kinds if getattr(report, each)}


@pytest.fixture
def bench() -> Bench:
    return Bench({"a.txt": "one two three four", "b/c.txt": "five six", "b/d.txt": "seven eight nine ten"})


def test_everything_is_new_at_first(bench: Bench) -> None:
    report = bench.run()
    assert counts(report) == {"new": 3}
    assert (report.chunks, report.embedded) == (5, 5)
    assert bench.stored() == {
        "a.txt": ["one two three", "four"],
        "b/c.txt": ["five six"],
        "b/d.txt": ["seven eight nine", "ten"],
    }
    assert [(each.source, each.kind, each.chunks, each.done, each.total) for each in bench.told] == [
        ("a.txt", "new", 2, 1, 3),
        ("b/c.txt", "new", 1, 2, 3),
        ("b/d.txt", "new", 2, 3, 3),
    ]


def test_second_run_does_nothing(bench: Bench) -> None:
    bench.run()
    calls, commits = bench.embedder.calls, bench.index.commits
    report = bench.run()
    assert counts(report) == {"unchanged": 3}
    assert (report.chunks, report.embedded) == (0, 0)
    assert (bench.embedder.calls, bench.index.commits) == (calls, commits)


def test_changed_text_embeds_only_what_is_new(bench: Bench) -> None:
    bench.run()
    bench.texts["a.txt"] = "one two three quatre"
    report = bench.run()
    assert counts(report) == {"changed": 1, "unchanged": 2}
    assert (report.chunks, report.embedded) == (2, 1)
    assert bench.stored()["a.txt"] == ["one two three", "quatre"]


def test_changed_steps_leave_no_old_chunk(bench: Bench) -> None:
    bench.run()
    bench.words = 2
    report = bench.run()
    assert counts(report) == {"changed": 3}
    assert report.embedded == 4  # "five six" is known
    assert bench.stored() == {
        "a.txt": ["one two", "three four"],
        "b/c.txt": ["five six"],
        "b/d.txt": ["seven eight", "nine ten"],
    }
    assert bench.index.count() == 5


def test_rename_embeds_nothing(bench: Bench) -> None:
    bench.run()
    before = bench.stored()
    bench.texts["b/e.txt"] = bench.texts.pop("a.txt")
    report = bench.run()
    assert counts(report) == {"renamed": 1, "unchanged": 2}
    assert report.embedded == 0
    before["b/e.txt"] = before.pop("a.txt")
    assert bench.stored() == before
    assert ("b/e.txt", "renamed", "a.txt") in [(each.source, each.kind, each.reason) for each in bench.told]


def test_a_copy_is_no_rename(bench: Bench) -> None:
    bench.run()
    bench.texts["copy.txt"] = bench.texts["a.txt"]
    report = bench.run()
    assert counts(report) == {"new": 1, "unchanged": 3}
    assert report.embedded == 0


def test_two_equal_files_renamed_at_once() -> None:
    bench = Bench({"a": "same text", "b": "same text", "c": "same text"})
    bench.run()
    bench.texts = {"c": "same text", "x": "same text", "y": "same text", "z": "same text"}
    assert counts(bench.run()) == {"renamed": 2, "new": 1, "unchanged": 1}
    assert sorted(bench.stored()) == ["c", "x", "y", "z"]


def test_gone_is_kept_until_pruned(bench: Bench) -> None:
    bench.run()
    del bench.texts["b/c.txt"]
    assert counts(bench.run()) == {"unchanged": 2, "gone": 1}
    assert "b/c.txt" in bench.stored()
    assert counts(bench.run(prune=True)) == {"unchanged": 2, "removed": 1}
    assert sorted(bench.stored()) == ["a.txt", "b/d.txt"]
    assert counts(bench.run(prune=True)) == {"unchanged": 2}


def test_pruning_stays_under_the_given_paths(bench: Bench) -> None:
    bench.run()
    del bench.texts["a.txt"], bench.texts["b/c.txt"]
    assert counts(bench.run("b", prune=True)) == {"unchanged": 1, "removed": 1}
    assert sorted(bench.stored()) == ["a.txt", "b/d.txt"]


def test_an_absent_path_changes_nothing(bench: Bench) -> None:
    bench.run()
    del bench.texts["b/c.txt"], bench.texts["b/d.txt"]
    bench.texts["new.txt"] = "more"
    with pytest.raises(InputError, match="b isn't there"):
        bench.run(".", "b", prune=True)
    assert sorted(bench.stored()) == ["a.txt", "b/c.txt", "b/d.txt"]


def test_what_a_scan_skips_is_not_gone(bench: Bench) -> None:
    bench.run()

    class Unreadable:
        def scan(self, paths: Any, base: Path) -> Any:
            yield SourceRef("a.txt", "a.txt")
            yield Skipped("b", "The folder can't be read.")

        fingerprint = MemoryLoader(bench.texts).fingerprint
        load = MemoryLoader(bench.texts).load

    report = bench.run(loaders=[Unreadable()], prune=True)
    assert counts(report) == {"unchanged": 1}
    assert report.skipped == [Skipped("b", "The folder can't be read.")]
    assert sorted(bench.stored()) == ["a.txt", "b/c.txt", "b/d.txt"]


def test_deleted_and_added_again(bench: Bench) -> None:
    bench.run()
    text = bench.texts.pop("a.txt")
    bench.run(prune=True)
    bench.texts["a.txt"] = text
    assert counts(bench.run()) == {"new": 1, "unchanged": 2}
    assert bench.stored()["a.txt"] == ["one two three", "four"]


def test_metadata_alone_changed(bench: Bench) -> None:
    bench.run(metadata={"team": "red"})
    report = bench.run(metadata={"team": "blue"})
    assert counts(report) == {"changed": 3}
    assert report.embedded == 0
    assert counts(bench.run(metadata={"team": "blue"})) == {"unchanged": 3}
    assert {hit.metadata["team"] for hit in bench._all()} == {"blue"}


def test_stamped_metadata_wins_over_documents_and_chunks() -> None:
    bench = Bench()
    loader = MemoryLoader({"a": "some text"}, {"a": {"team": "own", "title": "A"}})

    def process(documents: list[Document]) -> tuple[list[Document], list[Chunk]]:
        forged = [Document(each.source, each.text, {**each.metadata, "team": "forged"}) for each in documents]
        return forged, [Chunk("a", 0, 4, "some", {"team": "forged", "part": 1})]

    flow = IngestFlow([loader], process, bench.index, "d")
    ingest(flow, ["."], base=Path.cwd(), metadata={"team": "red"})
    document = bench.index.document("a")
    assert document is not None
    assert document.metadata == {"team": "red", "title": "A"}
    assert bench._all()[0].metadata == {"team": "red", "title": "A", "part": 1}


@pytest.mark.parametrize("metadata", [{"x": float("nan")}, {"x": object()}, {"x": {1, 2}}])
def test_metadata_that_cannot_be_stored(bench: Bench, metadata: Mapping[str, Any]) -> None:
    with pytest.raises(InputError, match="The metadata of the ingest"):
        bench.run(metadata=metadata)
    assert bench.stored() == {}


def test_more_records_than_any_batch_holds() -> None:
    bench = Bench({"many": " ".join(f"word{n}" for n in range(3 * 3000)), "few": "a b c"})
    assert counts(bench.run()) == {"new": 2}
    assert bench.index.count() == 3001
    calls = bench.embedder.calls
    report = bench.run()
    assert counts(report) == {"unchanged": 2}
    assert bench.embedder.calls == calls


def test_250_sources_and_one_of_them_changed() -> None:
    bench = Bench({f"{n:03}": f"record number {n}" for n in range(250)})
    assert counts(bench.run()) == {"new": 250}
    assert bench.embedder.calls <= 3  # a small batch first, which tells how many chunks the next may have
    bench.texts["100"] = "record number hundred"
    report = bench.run()
    assert counts(report) == {"changed": 1, "unchanged": 249}
    assert report.embedded == 1


def test_a_text_that_many_sources_share_is_embedded_once() -> None:
    bench = Bench({f"{n}": "the same words" for n in range(600)})
    report = bench.run()
    assert (report.chunks, report.embedded) == (600, 1)


def test_an_emptied_file_stays_with_no_chunk(bench: Bench) -> None:
    bench.run()
    bench.texts["a.txt"] = ""
    assert counts(bench.run()) == {"changed": 1, "unchanged": 2}
    assert bench.stored()["a.txt"] == []
    assert counts(bench.run()) == {"unchanged": 3}


def test_the_same_origin_from_two_loaders() -> None:
    bench = Bench({"a": "x"})
    with pytest.raises(InputError, match="Two loaders of this pipeline read a"):
        bench.run(loaders=[MemoryLoader({"a": "x"}), MemoryLoader({"a": "y"})])
    assert bench.stored() == {}


def test_each_origin_is_read_by_the_loader_that_named_it() -> None:
    bench = Bench()
    assert counts(bench.run(loaders=[MemoryLoader({"a": "x"}), MemoryLoader({"b": "y"})])) == {"new": 2}
    assert bench.stored() == {"a": ["x"], "b": ["y"]}


def test_overlapping_paths_name_a_source_once(bench: Bench) -> None:
    assert counts(bench.run(".", "b", "b/c.txt")) == {"new": 3}


def test_a_lexical_index_needs_no_vectors(bench: Bench) -> None:
    bench.index = ListIndex().open()
    report = bench.run()
    assert (report.chunks, report.embedded) == (5, 0)
    assert [hit.source for hit in bench.index.search_text(["seven"], 3)[0]] == ["b/d.txt"]


def test_equal_stamps_stand_for_equal_bytes(bench: Bench) -> None:
    class Stamped:
        """Counts how often a source is looked into."""

        looked: list[str] = []  # noqa: RUF012

        def scan(self, paths: Any, base: Path) -> Any:
            for name in bench.texts:
                yield SourceRef(name, name, stamp=f"stamp of {name}")

        def fingerprint(self, ref: SourceRef) -> str:
            self.looked.append(ref.origin)
            return MemoryLoader(bench.texts).fingerprint(ref)

        load = MemoryLoader(bench.texts).load

    loader = Stamped()
    bench.run(loaders=[loader])
    loader.looked.clear()
    assert counts(bench.run(loaders=[loader])) == {"unchanged": 3}
    assert loader.looked == []


def test_report_as_json(bench: Bench) -> None:
    report = bench.run(loaders=[MemoryLoader(bench.texts, failing=("a.txt",))])
    seconds = report.to_json().pop("seconds")
    assert seconds >= 0
    assert report.to_json() == {
        "new": 2,
        "changed": 0,
        "renamed": 0,
        "unchanged": 0,
        "removed": 0,
        "gone": 0,
        "chunks": 3,
        "embedded": 3,
        "seconds": seconds,
        "skipped": [],
        "failed": [{"source": "a.txt", "reason": "a.txt can't be read. It is one of `failing`."}],
        "warnings": [],
    }


def test_a_dry_run_tells_all_and_does_nothing(bench: Bench) -> None:
    bench.texts["x.txt"] = "to be renamed"
    bench.run()
    before, calls, commits = bench.stored(), bench.embedder.calls, bench.index.commits
    bench.texts["y.txt"] = bench.texts.pop("x.txt")
    bench.texts["a.txt"] = "changed"
    bench.texts["new.txt"] = "new"
    del bench.texts["b/c.txt"]

    class NeverRead(MemoryLoader):
        def load(self, ref: SourceRef) -> Any:
            raise AssertionError(ref)

    loaders = [NeverRead(bench.texts)]
    expected = {"new": 1, "changed": 1, "renamed": 1, "unchanged": 1}
    assert counts(bench.run(loaders=loaders, dry_run=True)) == {**expected, "gone": 1}
    assert counts(bench.run(loaders=loaders, dry_run=True, prune=True)) == {**expected, "removed": 1}
    told = [(each.kind, each.source, each.chunks, each.reason) for each in bench.told]
    assert ("renamed", "y.txt", 0, "x.txt") in told
    assert told[-1] == ("removed", "b/c.txt", 0, "")
    assert (bench.embedder.calls, bench.index.commits) == (calls, commits)
    assert bench.stored() == before
    assert counts(bench.run(prune=True)) == {**expected, "removed": 1}


class Counting(MemoryLoader):
    """Counts what is read."""

    loads: list[str] = []  # noqa: RUF012

    def load(self, ref: SourceRef) -> Any:
        self.loads.append(ref.origin)
        return super().load(ref)


def test_other_values_of_stamped_metadata_are_stored_without_reading_again(bench: Bench) -> None:
    loader = Counting(bench.texts, {"a.txt": {"title": "A", "team": "own"}})
    loader.loads.clear()
    bench.run(loaders=[loader], metadata={"team": "red"}, keeps_documents=True)
    assert len(loader.loads) == 3
    report = bench.run(loaders=[loader], metadata={"team": "blue"}, keeps_documents=True)
    assert (counts(report), report.embedded, len(loader.loads)) == ({"changed": 3}, 0, 3)
    assert {hit.metadata["team"] for hit in bench._all()} == {"blue"}
    again = bench.run(loaders=[loader], metadata={"team": "blue"}, keeps_documents=True)
    assert counts(again) == {"unchanged": 3}


def test_a_name_that_is_not_stamped_any_more_is_read_again(bench: Bench) -> None:
    loader = Counting(bench.texts, {"a.txt": {"title": "A", "team": "own"}})
    loader.loads.clear()
    bench.run(loaders=[loader], metadata={"team": "red"}, keeps_documents=True)
    report = bench.run(loaders=[loader], metadata={"year": 2}, keeps_documents=True)
    assert (counts(report), report.embedded, len(loader.loads)) == ({"changed": 3}, 0, 6)
    document = bench.index.document("a.txt")
    assert document is not None
    assert document.metadata == {"title": "A", "team": "own", "year": 2}


def test_steps_that_rewrite_documents_read_them_again(bench: Bench) -> None:
    loader = Counting(bench.texts)
    loader.loads.clear()
    bench.run(loaders=[loader], metadata={"team": "red"})
    bench.run(loaders=[loader], metadata={"team": "blue"})
    assert len(loader.loads) == 6


def test_changed_bytes_are_read_whatever_is_stamped(bench: Bench) -> None:
    bench.run(metadata={"team": "red"}, keeps_documents=True)
    bench.texts["a.txt"] = "one two three quatre"
    bench.run(metadata={"team": "blue"}, keeps_documents=True)
    assert bench.stored()["a.txt"] == ["one two three", "quatre"]


def test_reasons_are_told_once_with_all_that_they_hold_for() -> None:
    report = IngestReport(
        skipped=[Skipped("a.png", "no text"), Skipped("b.exe", "no format"), Skipped("c.png", "no text")],
        failed=[Skipped("x", "line 3 is odd"), Skipped("y", "line 41 is odd")],
    )
    assert report.reasons("skipped") == [
        Reason("no text", ("a.png", "c.png")),
        Reason("no format", ("b.exe",)),
    ]
    assert report.reasons("failed") == [Reason("line 3 is odd", ("x", "y"))]
    assert report.reasons("warning") == []
