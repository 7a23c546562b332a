"""Progress is for people: a bar on a terminal, plain lines elsewhere, nothing when quiet."""

from __future__ import annotations

import sys

import pytest

from ragbraid.cli import progress
from ragbraid.ingest.report import Progress

if sys.platform == "win32":
    pytest.skip("Windows has no pseudo-terminals.", allow_module_level=True)

from terminal import Terminal

STORED = [
    Progress("docs/a.md", "new", 12, 1, 5),
    Progress("docs/b.md", "changed", 1, 2, 5),
    Progress("docs/c.md", "unchanged", 0, 3, 5),
    Progress("docs/[d]\x1b[2J.md", "renamed", 2, 4, 5),
    Progress("docs/e.pdf", "failed", 0, 5, 5, "It is broken."),
    Progress("docs/f.md", "removed", 0, 5, 5),
    Progress("with\n+ forged.md  9 chunks\t\u2028.txt", "new", 1, 5, 5),
]


def test_a_line_acknowledges_each_committed_source(capsys: pytest.CaptureFixture[str]) -> None:
    with progress.ingest(quiet=False) as on_progress:
        assert on_progress is not None
        for each in STORED:
            on_progress(each)
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.splitlines() == [
        "+ docs/a.md  12 chunks",
        "~ docs/b.md  1 chunk",
        "> docs/[d]\ufffd[2J.md  2 chunks",
        "- docs/f.md",
        "+ with\ufffd+ forged.md  9 chunks\ufffd\ufffd.txt  1 chunk",
    ]


def test_quiet_means_nothing() -> None:
    with progress.ingest(quiet=True) as on_progress:
        assert on_progress is None
    with progress.download("model", quiet=True) as on_bytes:
        assert on_bytes is None


def test_a_terminal_shows_a_bar() -> None:
    script = (
        "import time\n"
        "from ragbraid.cli import progress\n"
        "from ragbraid.ingest.report import Progress\n"
        "with progress.ingest(False) as advance:\n"
        "    for number in range(1, 5):\n"
        "        advance(Progress(f'docs/[{number}].md', 'new', 1, number, 4)); time.sleep(0.15)\n"
        "with progress.download('a-model', False) as advance:\n"
        "    advance(50, 100); time.sleep(0.15)\n"
    )
    code, seen = Terminal("-c", script).end()
    assert code == 0
    assert "docs/[3].md" in seen
    assert "3/4" in seen
    assert "a-model" in seen
    assert "50/100 bytes" in seen
