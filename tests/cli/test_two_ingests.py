"""Two ingests at once share the work: the second waits, says so, and finds everything done."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from commandline import environment
from test_bad_input import WORDS


def test_the_second_waits_and_finds_nothing_to_do(tmp_path: Path) -> None:
    (tmp_path / "ragbraid.yaml").write_text(WORDS, "utf-8")
    (tmp_path / "docs").mkdir()
    for number in range(2500):
        (tmp_path / "docs" / f"{number}.md").write_text(f"Rule {number} of the house.\n" * 30, "utf-8")
    command = [sys.executable, "-m", "ragbraid", "ingest", "docs", "--json"]
    running = [
        subprocess.Popen(
            command,
            cwd=tmp_path,
            env=environment(),
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        for _ in range(2)
    ]
    done = [each.communicate() for each in running]
    assert [each.returncode for each in running] == [0, 0]
    new = sorted(json.loads(out)["new"] for out, _ in done)
    assert new == [0, 2500]
    assert any("is ingesting into this index; waiting for it." in said for _, said in done)
