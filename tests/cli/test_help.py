"""The help texts, word for word, and how soon they come."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from commandline import environment, ragbraid, says

GOLDEN = Path(__file__).parent / "golden"
COMMANDS = {
    "ragbraid": (), "ingest": ("ingest",), "ask": ("ask",), "search": ("search",), "check": ("check",),
    "schema": ("schema",), "models": ("models",), "models-get": ("models", "get"),
}  # fmt: skip


@pytest.mark.parametrize("name", COMMANDS)
def test_help(name: str) -> None:
    done = ragbraid(*COMMANDS[name], "--help")
    golden = GOLDEN / f"help-{name}.txt"
    if os.environ.get("RAGBRAID_GOLDEN"):
        golden.write_text(done.stdout, "utf-8")
    assert done.returncode == 0
    assert done.stdout == golden.read_text("utf-8")


def test_help_fits_a_narrow_terminal() -> None:
    done = ragbraid("ask", "--help", env=environment(COLUMNS="40"))
    assert done.returncode == 0
    assert max(map(len, done.stdout.splitlines())) <= 50  # the narrowest that Click wraps to


def test_typos_are_met_with_the_nearest_name() -> None:
    says(ragbraid("aks", "x"), 2, "Did you mean 'ask'?")
    says(ragbraid("search", "x", "--filtr", "{}"), 2, "--filter")
    says(ragbraid("ask"), 2, "QUESTION")


def test_help_comes_at_once() -> None:
    # 0.3 s is the aim on a quiet machine; twice that is the bound, since others may share its cores.
    assert _best("-m", "ragbraid", "--help") - _best("-c", "pass") < 0.6


def test_importing_ragbraid_costs_nothing() -> None:
    assert _best("-c", "import ragbraid") - _best("-c", "pass") < 0.2


def _best(*arguments: str) -> float:
    """Seconds that Python takes for these arguments, the best of five."""
    times = []
    for _ in range(5):
        begun = time.perf_counter()
        subprocess.run([sys.executable, *arguments], env=environment(), check=True, capture_output=True)
        times.append(time.perf_counter() - begun)
    return min(times)
