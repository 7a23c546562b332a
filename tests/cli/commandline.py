"""Runs the command line as a user does: in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import forked

ROOT = Path(__file__).resolve().parents[2]


def environment(**variables: str) -> dict[str, str]:
    """This process's environment with the checkout importable and a terminal of 80 columns."""
    return {**os.environ, "PYTHONPATH": str(ROOT / "src"), "COLUMNS": "80", **variables}


def ragbraid(
    *arguments: str, cwd: Path | None = None, env: dict[str, str] | None = None, together: bool = False
) -> subprocess.CompletedProcess[str]:
    """Run `ragbraid` with these arguments, as text in UTF-8; `together` joins errors to the output."""
    env = env or environment()
    if forked.can_fork(env, ROOT / "src"):
        return forked.run(arguments, cwd, env, 120, together)
    return subprocess.run(
        [sys.executable, "-m", "ragbraid", *arguments],
        cwd=cwd, env=env, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT if together else subprocess.PIPE,
        encoding="utf-8", check=False, timeout=120,
    )  # fmt: skip


def says(done: subprocess.CompletedProcess[str], code: int, *words: str) -> None:
    """Assert the exit code, silence on standard output, and a short message without a traceback."""
    assert done.returncode == code, done
    assert done.stdout == "", done
    assert "Traceback" not in done.stderr, done.stderr
    assert len(done.stderr.strip().splitlines()) <= 4, done.stderr
    for word in words:
        assert word in done.stderr, done.stderr
