"""What ragbraid itself has written in an ingested folder: left out, and said so."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from ragbraid import Pipeline
from ragbraid.evaluate.page import filled
from ragbraid.ingest import IngestReport

PIPELINE = """
ragbraid: 1
components:
  index: {type: faiss, path: index}
ingest:
  - {type: files}
  - {type: recursive-splitter, max_tokens: 60}
  - index
search:
  - {type: lexical, index: index}
ask:
  - search
  - {type: quote}
"""
LOOKS_ALIKE = '{"about": "the ragbraid_recording of goats"}'


@pytest.fixture
def pipeline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pipeline]:
    monkeypatch.chdir(tmp_path)
    Path("ragbraid.yaml").write_text(PIPELINE)
    Path("a.md").write_text("Goats eat hay.")
    with Pipeline.load("ragbraid.yaml") as loaded:
        yield loaded


def left_out(report: IngestReport) -> dict[str, str]:
    return {each.source: each.reason for each in report.skipped}


def test_indexes_exports_recordings_and_reports_are_left_out(pipeline: Pipeline) -> None:
    pipeline.ingest(".")
    pipeline.record("What do goats eat?").save("rec.json")
    pipeline.upkeep().export(Path("out"))
    pipeline.upkeep().snapshot(Path("copy"))
    shutil.copytree("index", "killed")  # its database may not say yet whose it is
    Path("killed/index.sqlite").write_bytes(b"SQLite format 3\0".ljust(4096, b"\0"))
    Path("b.json").write_text(LOOKS_ALIKE)
    Path("index-of-mine").mkdir()
    Path("index-of-mine/index.sqlite").write_bytes(b"SQLite format 3\0".ljust(4096, b"\0"))
    Path("index-of-mine/notes.txt").write_text("More goats.")
    report = pipeline.ingest(".")
    assert [each.source for each in pipeline.sources()] == ["a.md", "b.json", "index-of-mine/notes.txt"]
    recording = "It is a recording of a question. Keep it where nothing is ingested."
    assert left_out(report) == {
        "index": "it is an index of ragbraid's",
        "copy": "it is an index of ragbraid's",
        "killed": "it is an index of ragbraid's",
        "out": "it is an export of an index",
        "rec.json": recording,
        "index-of-mine/index.sqlite": "its format (.sqlite) isn't one that is read",
    }
    assert report.failed == []


def test_what_becomes_one_takes_its_text_out_of_the_index(pipeline: Pipeline) -> None:
    Path("b.json").write_text(LOOKS_ALIKE)
    pipeline.ingest(".")
    pipeline.record("What do goats eat?").save("b.json", force=True)
    report = pipeline.ingest(".")
    assert (report.changed, [each.source for each in report.warnings]) == (1, ["b.json"])
    assert "recording" in report.warnings[0].reason
    assert pipeline.search("recording", k=9) == []
    assert pipeline.ingest(".").changed == 0


@pytest.mark.parametrize("template", ["page.html", "sweep.html"])
def test_reports_are_told_by_what_they_say_made_them(pipeline: Pipeline, template: str) -> None:
    text = (Path(filled.__code__.co_filename).parent / template).read_text("utf-8")
    Path("report.html").write_text(text, "utf-8")
    report = pipeline.ingest(".")
    assert left_out(report)["report.html"].startswith("It is a report.")
