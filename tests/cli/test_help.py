"""The help texts, word for word."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import typer.main
from commandline import environment, ragbraid, says

from ragbraid.cli.main import app

GOLDEN = Path(__file__).parent / "golden"


def _paths(command: Any, path: tuple[str, ...] = ()) -> dict[str, tuple[str, ...]]:
    """Every command and group of commands, by the name of its golden file."""
    found = {"-".join(path) or "ragbraid": path}
    for name, inner in getattr(command, "commands", {}).items():
        found |= _paths(inner, (*path, name))
    return found


COMMANDS = _paths(typer.main.get_command(app))


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
