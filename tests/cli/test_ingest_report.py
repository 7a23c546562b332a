"""What `ragbraid ingest` tells of many files: by reason, with a few names; and what a dry run tells."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from commandline import ragbraid
from test_bad_input import WORDS


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A pipeline that needs no model; documents, pictures, and files that are broken."""
    (tmp_path / "ragbraid.yaml").write_text(WORDS, "utf-8")
    (tmp_path / "docs").mkdir()
    for number in range(3):
        (tmp_path / "docs" / f"{number}.md").write_text(f"Rule {number}.\n", "utf-8")
    for number in range(40):
        (tmp_path / "docs" / f"{number:02}.xyz").write_bytes(b"\0")
    for number in range(2):
        (tmp_path / "docs" / f"{number}.pdf").write_bytes(b"%PDF-1.7\nthis is no PDF")
    return tmp_path


def test_what_is_left_out_is_told_by_reason(folder: Path) -> None:
    done = ragbraid("ingest", "docs", cwd=folder)
    assert done.returncode == 1
    lines = done.stderr.splitlines()
    assert lines[:5] == [
        "+ docs/0.md  1 chunk",
        "+ docs/1.md  1 chunk",
        "+ docs/2.md  1 chunk",
        "skipped     40  its format (.xyz) isn't one that is read",
        "                docs/00.xyz, docs/01.xyz, docs/02.xyz and 37 more",
    ]
    assert lines[5].startswith("failed       2  It is damaged, or not what its name says")
    assert lines[6:] == ["                docs/0.pdf, docs/1.pdf"]
    assert done.stdout.startswith("3 new, 40 skipped, 2 failed: 3 chunks in ")


def test_json_names_all(folder: Path) -> None:
    report = json.loads(ragbraid("ingest", "docs", "--json", "--quiet", cwd=folder).stdout)
    assert [len(report[each]) for each in ("skipped", "failed", "warnings")] == [40, 2, 0]
    assert report["skipped"][39]["source"] == "docs/39.xyz"


def test_quiet_tells_what_failed_alone(folder: Path) -> None:
    done = ragbraid("ingest", "docs", "--quiet", cwd=folder)
    assert done.stdout == ""
    assert [line.split(" ")[0] for line in done.stderr.splitlines()] == ["failed", ""]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pseudo-terminals.")
def test_on_a_terminal_its_lines_fit(folder: Path) -> None:
    from terminal import Terminal

    _, seen = Terminal("-m", "ragbraid", "ingest", "docs", cwd=folder).end()
    lines = [each.rstrip() for each in seen.splitlines()]
    assert "skipped     40  its format (.xyz) isn't one that is read" in lines
    assert max(len(each) for each in lines[-10:]) <= 80


def test_a_dry_run_writes_nothing(folder: Path) -> None:
    done = ragbraid("ingest", "docs", "--dry-run", cwd=folder)
    assert done.returncode == 0
    assert done.stderr.splitlines()[:2] == ["+ docs/0.md", "+ docs/0.pdf"]
    assert done.stdout == "It would be: 5 new, 40 skipped. Nothing was written.\n"
    assert not (folder / ".ragbraid").exists()
    ragbraid("ingest", "docs", cwd=folder)
    (folder / "docs" / "0.md").write_text("Another rule.\n")
    (folder / "docs" / "1.md").rename(folder / "docs" / "one.md")
    (folder / "docs" / "2.md").unlink()
    before = {each.name: each.read_bytes() for each in (folder / ".ragbraid" / "index").glob("*.*")}
    done = ragbraid("ingest", "docs", "--dry-run", "--prune", "--json", cwd=folder)
    report = json.loads(done.stdout)
    counts = [report[each] for each in ("new", "changed", "renamed", "removed", "unchanged", "embedded")]
    assert counts == [2, 1, 1, 1, 0, 0]
    assert "> docs/one.md" in done.stderr.splitlines()
    assert "- docs/2.md" in done.stderr.splitlines()
    for name in ("index.sqlite", "writer.lock"):
        assert (folder / ".ragbraid" / "index" / name).read_bytes() == before[name]
