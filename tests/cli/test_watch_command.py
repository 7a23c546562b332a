"""`ragbraid watch`: a line for each change, a clean end, and other commands beside it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from commandline import environment, ragbraid, says
from test_bad_input import WORDS

pytest.importorskip("watchfiles")
if sys.platform == "win32":
    pytest.skip("Windows can't send a signal to one process.", allow_module_level=True)


class Watching:
    """The command in a process of its own, and what it printed so far."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "ragbraid", "watch", "docs", *options],
            cwd=folder, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        self.out: list[str] = []
        self.err: list[str] = []
        self._threads = [
            threading.Thread(target=_read, args=(self.process.stdout, self.out)),
            threading.Thread(target=_read, args=(self.process.stderr, self.err)),
        ]
        for each in self._threads:
            each.start()
        self.until(lambda: any("Ctrl-C ends it" in each for each in self.err))

    def until(self, wanted: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 60
        while not wanted():
            if time.monotonic() > deadline or self.process.poll() is not None:
                self.process.kill()
                raise AssertionError((self.out, self.err))
            time.sleep(0.02)

    def end(self, number: signal.Signals) -> int:
        self.process.send_signal(number)
        code = self.process.wait(60)
        for each in self._threads:
            each.join()
        for stream in (self.process.stdout, self.process.stderr):
            assert stream is not None
            stream.close()
        return code


def _read(stream: Iterable[str], lines: list[str]) -> None:
    lines.extend(line.rstrip("\n") for line in stream)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "ragbraid.yaml").write_text(WORDS, "utf-8")
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "leave.md").write_text("Parental leave is 14 months.\n", "utf-8")
    return tmp_path


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_line_for_each_change_and_a_clean_end(folder: Path, number: signal.Signals) -> None:
    watching = Watching(folder)
    assert watching.out == ["+ docs/leave.md  1 chunk"]
    assert watching.err == ["Watching docs: 1 source; Ctrl-C ends it."]
    (folder / "docs" / "leave.md").write_text("Parental leave is 15 months.\n", "utf-8")
    watching.until(lambda: len(watching.out) == 2)
    assert "15 months" in ragbraid("search", "parental", cwd=folder).stdout
    assert ragbraid("ingest", "docs", cwd=folder).stdout.startswith("1 unchanged")
    os.replace(folder / "docs" / "leave.md", folder / "docs" / "away.md")
    watching.until(lambda: len(watching.out) == 3)
    (folder / "docs" / "away.md").unlink()
    watching.until(lambda: len(watching.out) == 4)
    assert watching.end(number) == 0
    assert watching.out[1:] == ["~ docs/leave.md  1 chunk", "> docs/away.md  1 chunk", "- docs/away.md"]
    assert watching.err[1:] == ["Stopped. Every change named above is stored."]


def test_changes_as_json_lines(folder: Path) -> None:
    watching = Watching(folder, "--json")
    (folder / "docs" / "new.md").write_text("New.\n", "utf-8")
    (folder / "docs" / "broken.pdf").write_bytes(b"%PDF-1.7\nthis is no PDF")
    watching.until(lambda: len(watching.out) >= 3)
    assert watching.end(signal.SIGTERM) == 0
    told = {each["source"]: each for each in map(json.loads, watching.out)}
    assert told["docs/leave.md"] == {"source": "docs/leave.md", "kind": "new", "chunks": 1, "reason": ""}
    assert told["docs/new.md"]["kind"] == "new"
    assert told["docs/broken.pdf"]["kind"] == "failed"
    assert "damaged" in told["docs/broken.pdf"]["reason"]


def test_a_folder_that_is_not_there(folder: Path) -> None:
    says(ragbraid("watch", "dosc", cwd=folder), 2, "dosc")
