"""Who may see a file is said beside it, and holds without its being read or embedded again."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from loading import Bench

from ragbraid.load.files import Files
from ragbraid.load.sidecars import Sidecars
from ragbraid.types import Document, SourceRef


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    fields = {"day": "date", "access": "str", "team": "str"}
    made = Bench(tmp_path, {"type": "files"}, {"type": "rows"}, fields=fields)
    yield made
    made.pipeline.close()


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The files that were read, as they are."""
    names: list[str] = []
    load = Files.load

    def counted(self: Files, ref: SourceRef) -> Iterator[Document]:
        names.append(ref.origin)
        return load(self, ref)

    monkeypatch.setattr(Files, "load", counted)
    return names


def seen(bench: Bench, who: str) -> list[str]:
    hits = bench.search("words", filter={"access": who}, k=50)
    return sorted({each.source for each in hits})


def test_a_change_of_rights_alone_reads_and_embeds_nothing(bench: Bench, reads: list[str]) -> None:
    bench.write("d/plan.md", "---\naccess: everyone\n---\nThe words of a plan.")
    bench.write("d/open.md", "Other words.")
    bench.write("d/plan.md.meta.yaml", "access: [board, legal]\nday: 2024-01-31\n")
    assert bench.ingest() == {"new": 2, "embedded": 2}
    assert seen(bench, "board") == ["d/plan.md"]
    assert seen(bench, "everyone") == [], "what lies beside it wins over what it says itself"
    assert bench.ingest() == {"unchanged": 2}
    reads.clear()
    bench.write("d/plan.md.meta.yaml", "access: [legal]\n" + "day: 2024-02-28\nteam: x\n")
    assert bench.ingest() == {"changed": 1, "unchanged": 1}
    assert (seen(bench, "board"), seen(bench, "legal")) == ([], ["d/plan.md"])
    assert bench.search("words", filter={"day": {"$gt": {"$date": "2024-02-01"}}})
    bench.write("d/open.md.meta.yaml", "access: all\n")
    assert bench.ingest() == {"changed": 1, "unchanged": 1}
    assert seen(bench, "all") == ["d/open.md"]
    assert reads == []


def test_without_it_a_file_says_itself_again(bench: Bench) -> None:
    bench.write("d/plan.md", "---\naccess: everyone\n---\nThe words of a plan.")
    bench.write("d/plan.md.meta.yaml", "access: board\n")
    bench.ingest()
    (bench.folder / "d/plan.md.meta.yaml").unlink()
    assert bench.ingest() == {"changed": 1}
    assert seen(bench, "everyone") == ["d/plan.md"]


def test_a_folder_says_it_for_all_below(bench: Bench) -> None:
    for name in ("d/a.md", "d/in/b.md", "d/in/c.csv"):
        bench.write(name, "column\nwords\n")
    bench.write("_meta.yaml", "access: all\nteam: red\n")
    bench.write("d/in/_meta.yaml", "access: inner\n")
    bench.write("d/in/b.md.meta.yaml", "access: b\n")
    bench.ingest("d/in")
    assert (seen(bench, "b"), seen(bench, "inner")) == (["d/in/b.md"], ["d/in/c.csv#row=2"])
    bench.ingest("d")
    assert seen(bench, "all") == ["d/a.md"]
    assert len(bench.search("words", filter={"team": "red"})) == 3
    assert not any("meta" in each for each in bench.sources())


BROKEN = {
    "access: [a": "line",
    "a\n": "isn't a mapping",
    "": "is empty",
    "x: 1\ny: {\n": "line 3",
    "source: x": "can't set source",
    "a: &a 1\nb: *a": "line 2: it isn't valid YAML (aliases",
    "a: x" * 20_000: "longer than 64 KB",
}


@pytest.mark.parametrize("text", BROKEN)
def test_a_broken_one_keeps_its_file_out(bench: Bench, text: str) -> None:
    bench.write("d/secret.md", "The words.")
    bench.write("d/open.md", "Other words.")
    bench.write("d/secret.md.meta.yaml", text)
    assert bench.ingest() == {"new": 1, "embedded": 1, "failed": 1}
    (failed,) = bench.report.failed
    assert failed.source == "d/secret.md"
    assert failed.reason.startswith("secret.md.meta.yaml")
    assert BROKEN[text] in failed.reason
    assert "who may see it" in failed.reason
    assert bench.sources() == ["d/open.md"]


def test_one_that_breaks_keeps_what_held(bench: Bench) -> None:
    bench.write("d/secret.md", "The words.")
    bench.write("d/_meta.yaml", "access: board\n")
    bench.ingest()
    bench.write("d/_meta.yaml", "access: [board\n")
    assert bench.ingest() == {"failed": 1}
    assert seen(bench, "board") == ["d/secret.md"]


@pytest.mark.skipif(sys.platform == "win32", reason="links need a right on Windows")
def test_a_link_does_not_lead_round_it(bench: Bench) -> None:
    bench.write("private/a.md", "The words.")
    bench.write("private/_meta.yaml", "access: board\nteam: red\n")
    bench.write("d/_meta.yaml", "team: blue\n")
    os.symlink(bench.folder / "private/a.md", bench.folder / "d/link.md")
    bench.ingest("d")
    (hit,) = bench.search("words")
    assert (hit.source, hit.metadata["access"], hit.metadata["team"]) == ("d/link.md", "board", "blue")


def test_one_without_its_file_is_told(bench: Bench) -> None:
    bench.write("d/a.md", "Words.")
    bench.write("d/b.md.meta.yaml", "access: x\n")
    assert bench.ingest() == {"new": 1, "embedded": 1, "skipped": 1}
    assert bench.report.skipped[0].reason == "it is about 'b.md', which isn't there"


def test_watching_takes_a_change_of_rights_in(bench: Bench) -> None:
    bench.write("d/a.md", "Words.")
    watch = bench.pipeline.watch(str(bench.folder / "d"))
    try:
        assert next(watch).new == 1
        (bench.folder / "d/a.md.meta.yaml").write_text("access: board\n", "utf-8")
        report = next(watch)
        assert (report.changed, report.embedded) == (1, 0)
        assert seen(bench, "board") == ["d/a.md"]
    finally:
        watch.stop()


def test_folders_are_looked_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    listed: list[Any] = []
    listdir = os.listdir
    monkeypatch.setattr(os, "listdir", lambda place: listed.append(place) or listdir(place))
    sidecars = Sidecars()
    for number in range(100):
        path = str(tmp_path / f"{number}.md")
        assert sidecars.about(path, path) == {}
    assert listed == [str(tmp_path)]
