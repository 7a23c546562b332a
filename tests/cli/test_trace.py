"""A question's timeline."""

from __future__ import annotations

from pathlib import Path

from commandline import ragbraid, says
from every_command import prepare


def test_each_step_has_a_line_with_a_bar_on_standard_output(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    prepare(folder)
    done = ragbraid("trace", "How long is parental leave?", cwd=folder)
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.split("\n")[1:]
    assert lines[0].split() == ["step", "start", "took"]
    assert [each.split()[0] for each in lines if "=" in each][:2] == ["search.lexical", "search_text"]
    assert "Parental leave is" not in done.stdout
    says(ragbraid("trace", " ", cwd=folder), 2, "empty")
