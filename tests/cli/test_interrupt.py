"""Ctrl-C at any time: back at once, no traceback, and what was acknowledged is kept."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from commandline import environment, ragbraid
from test_bad_input import WORDS

from soaking import count

if sys.platform == "win32":
    pytest.skip("Windows has no pseudo-terminals.", allow_module_level=True)

from terminal import Terminal

FILES = 4000


@pytest.fixture
def many(tmp_path: Path) -> Path:
    """A pipeline that needs no model, and more files than are read in a moment."""
    (tmp_path / "ragbraid.yaml").write_text(WORDS, "utf-8")
    (tmp_path / "docs").mkdir()
    for number in range(FILES):
        (tmp_path / "docs" / f"{number}.md").write_text(f"Rule {number} of the house.\n" * 40, "utf-8")
    return tmp_path


@pytest.mark.parametrize("times", [1, 2])
def test_on_a_terminal(many: Path, times: int) -> None:
    terminal = Terminal("-m", "ragbraid", "ingest", "docs", cwd=many)
    assert terminal.read_until(lambda seen: "docs/" in seen), terminal.seen
    for _ in range(times):
        terminal.interrupt()
        time.sleep(0.05)
    code, seen = terminal.end()
    assert code == 130, seen
    assert "Traceback" not in seen
    if times == 1:
        assert "Interrupted. Every source named so far is kept" in seen


STARTING = """
import sys
from ragbraid.__main__ import main
from ragbraid.cli import interrupts
sys.argv = ["ragbraid", "ingest", "docs"]
with interrupts.heeded():
    print("It begins.", flush=True)
    main()
"""


LOST = """
import os, signal
from contextlib import suppress
from ragbraid.cli import interrupts
with interrupts.heeded(), interrupts.prompting():
    with suppress(KeyboardInterrupt):
        os.kill(os.getpid(), signal.SIGINT)
        while True:
            pass
    input("> ")
"""


def test_one_that_python_loses_at_a_prompt_is_heeded(tmp_path: Path) -> None:
    code, seen = Terminal("-c", LOST, cwd=tmp_path).end()
    assert code == 130
    assert "Traceback" not in seen


@pytest.mark.parametrize(
    ("program", "sign"),
    [(("-c", STARTING), "It begins."), (("-m", "ragbraid", "ingest", "docs"), "docs/")],
    ids=["while it is imported", "while it works"],
)
def test_hammered(many: Path, program: tuple[str, ...], sign: str) -> None:
    for _ in range(count(3, 30)):
        terminal = Terminal(*program, cwd=many)
        assert terminal.read_until(lambda seen: sign in seen), terminal.seen
        while terminal.process.poll() is None:
            terminal.interrupt()
            time.sleep(0.001)
        code, seen = terminal.end()
        assert code == 130, seen
        assert "Traceback" not in seen


def test_what_was_acknowledged_is_kept(many: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "ragbraid", "ingest", "docs"],
        cwd=many, env=environment(), stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stderr is not None
    first = process.stderr.readline()
    process.send_signal(signal.SIGINT)
    out, rest = process.communicate(timeout=60)
    acknowledged = [line for line in (first + rest).splitlines() if line.startswith("+ ")]
    assert process.returncode == 130, rest
    assert out == ""
    report = json.loads(ragbraid("ingest", "docs", "--json", "--quiet", cwd=many).stdout)
    assert 0 < len(acknowledged) <= report["unchanged"] < FILES
    assert report["unchanged"] + report["new"] == FILES
