"""What is embedded and searched above a passage: told to the embedder, and neither shown nor cited."""

from __future__ import annotations

from pathlib import Path

import pytest

from ragbraid import Pipeline

PIPELINE = """
ragbraid: 1
components:
  embedder: {type: testing/hash-embedder}
  index: {type: faiss, path: index, embedder: embedder}
ingest:
  - {type: files}
  - {type: by-format, embedder: embedder, max_tokens: 40, context: true}
  - index
search:
  - {type: lexical, index: index}
"""
PAGE = "---\ntitle: {0}\n---\n# Winter\n\n" + "Hay is fed in the barn, and water too. " * 20


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "ragbraid.yaml").write_text(PIPELINE)
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "goats.md").write_text(PAGE.format("Goats"))
    (tmp_path / "docs" / "herd.csv").write_text("name,place\n" + "Ada,barn\n" * 60)
    return tmp_path


def test_it_finds_passages_and_is_not_in_them(folder: Path) -> None:
    with Pipeline.load("ragbraid.yaml") as pipeline:
        pipeline.ingest("docs")
        document = pipeline.document("docs/goats.md")
        hits = pipeline.search("goats", 50)
        assert {each.start for each in hits} == {each.start for each in document.chunks}
        assert all(each.text == document.text[each.start : each.end] for each in hits)
        assert not any("Goats" in each.text for each in hits)
        assert len(pipeline.search("name", 50)) == len(pipeline.document("docs/herd.csv").chunks)


def test_a_new_title_embeds_what_is_below_it_anew_and_a_new_name_nothing(folder: Path) -> None:
    with Pipeline.load("ragbraid.yaml") as pipeline:
        first = pipeline.ingest("docs")
        assert first.embedded > 4
        assert pipeline.ingest("docs").embedded == 0
        (folder / "docs" / "goats.md").write_text(PAGE.format("Sheep"))
        (folder / "docs" / "herd.csv").rename(folder / "docs" / "herd2.csv")
        report = pipeline.ingest("docs", prune=True)
        assert 0 < report.embedded <= len({each.text for each in pipeline.document("docs/goats.md").chunks})
        assert pipeline.search("goats", 9) == []
        assert pipeline.search("sheep", 9) != []
