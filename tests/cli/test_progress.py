"""Progress is for people: a bar on a terminal, plain lines elsewhere, nothing when quiet."""

from __future__ import annotations

import re
import sys

import pytest

from ragbraid.cli import progress
from ragbraid.ingest.report import Progress

if sys.platform == "win32":
    pytest.skip("Windows has no pseudo-terminals.", allow_module_level=True)

from terminal import CODES, Terminal

from ragbraid.cli.bar import Pace, Sources, left, rate

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
    with progress.ingest(quiet=False) as (on_found, on_progress):
        assert on_found is None, "nothing is stored of it yet"
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
    with progress.ingest(quiet=True) as told:
        assert told == (None, None)
    with progress.download("model", quiet=True) as on_bytes:
        assert on_bytes is None


@pytest.mark.parametrize("columns", [40, 80])
def test_a_terminal_shows_a_bar(columns: int) -> None:
    script = (
        "import time\n"
        "from ragbraid.cli import progress\n"
        "from ragbraid.ingest.report import Progress\n"
        "with progress.ingest(False) as (find, advance):\n"
        "    for number in range(1, 5):\n"
        "        find(f'docs/[{number}].md', number); time.sleep(0.15)\n"
        "    for number in range(1, 5):\n"
        "        advance(Progress(f'docs/[{number}].md', 'new', 1, number, 4)); time.sleep(0.15)\n"
        "with progress.download('a-model', False) as advance:\n"
        "    advance(50, 100); time.sleep(0.15)\n"
    )
    terminal = Terminal("-c", script, columns=columns)
    code, seen = terminal.end()
    assert code == 0
    assert "3 found" in seen
    assert re.search(r"3/4  [\d.]+/(s|min)  \d+ (s|min) left +docs/\[", seen)
    assert bool(re.search(r"left +docs/\[3\].md", seen)) == (columns == 80)
    assert "a-model" in seen
    assert "50/100 bytes" in seen
    frames = re.split(r"\r|\n", CODES.sub("", terminal.seen))
    assert max(map(len, frames)) <= columns


def test_the_pace_counts_the_time_that_a_group_took() -> None:
    pace = Pace(100.0)
    assert pace.per_second(101.0) == 0
    for done in (1, 2, 3, 4):  # committed together, after two seconds
        pace.note(done, 102.0)
    assert pace.per_second(102.0) == 2
    assert pace.per_second(104.0) == 1
    pace.note(5, 150.0)
    pace.note(67, 181.0)
    assert pace.per_second(181.0) == 2  # the slow beginning is forgotten


def test_what_is_unchanged_is_no_pace(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    sources = Sources()

    def told() -> str:
        return str(sources.bar.tasks[0].fields["told"])

    for done in range(1, 11):
        now += 0.01
        sources.advance("a.md", done, 30, unchanged=True)
        assert told() == f"{done}/30"
    for done in range(11, 13):
        now += 2.0
        sources.advance("a.md", done, 30)
    assert told() == "12/30  30/min  36 s left "


def test_paces_and_times_are_told_in_units_that_fit() -> None:
    assert [rate(each) for each in (0.2, 4.24, 53.2)] == ["12/min", "4.2/s", "53/s"]
    assert [left(each) for each in (7.2, 200, 7200)] == ["7 s left", "3 min left", "2 h left"]
