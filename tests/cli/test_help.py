"""The help texts, word for word."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from commandline import environment, ragbraid, says

GOLDEN = Path(__file__).parent / "golden"
COMMANDS = {
    "ragbraid": (), "ingest": ("ingest",), "ask": ("ask",), "search": ("search",), "check": ("check",),
    "schema": ("schema",), "models": ("models",), "models-get": ("models", "get"), "chat": ("chat",),
    "status": ("status",), "source": ("source",), "source-list": ("source", "list"),
    "source-show": ("source", "show"), "source-remove": ("source", "remove"), "doctor": ("doctor",),
    "completion": ("completion",),
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
