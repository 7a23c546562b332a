"""The help texts, word for word."""

from __future__ import annotations

import golden_files
import pytest
from commandline import environment, ragbraid, says
from every_command import COMMANDS


@pytest.mark.parametrize("name", COMMANDS)
def test_help(name: str) -> None:
    done = ragbraid(*COMMANDS[name].path, "--help")
    assert done.returncode == 0
    golden_files.same(f"help-{name}.txt", done.stdout)


def test_help_fits_a_narrow_terminal() -> None:
    done = ragbraid("ask", "--help", env=environment(COLUMNS="40"))
    assert done.returncode == 0
    assert max(map(len, done.stdout.splitlines())) <= 40


def test_typos_are_met_with_the_nearest_name() -> None:
    says(ragbraid("aks", "x"), 2, "Did you mean 'ask'?")
    says(ragbraid("search", "x", "--filtr", "{}"), 2, "--filter")
    says(ragbraid("ask"), 2, "QUESTION")


def test_summaries_are_whole_on_a_narrow_terminal() -> None:
    shown = ragbraid("--help", env=environment(COLUMNS="40")).stdout
    assert "..." not in shown.partition("Commands:")[2]
    assert "Write a commented ragbraid.yaml into this folder." in " ".join(shown.split())
