"""`ragbraid completion`: scripts that shells take, and the answers to what they then ask."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from commandline import environment, ragbraid, says
from test_bad_input import WORDS

SHELLS = ("bash", "zsh", "fish", "powershell")


@pytest.mark.parametrize("shell", SHELLS)
def test_every_shell_has_a_script(shell: str) -> None:
    done = ragbraid("completion", shell)
    assert (done.returncode, done.stderr) == (0, "")
    assert "_RAGBRAID_COMPLETE" in done.stdout


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_shell_reads_it(shell: str, tmp_path: Path) -> None:
    found = shutil.which(shell)
    if found is None:
        pytest.skip(f"{shell} isn't installed")
    script = tmp_path / "script"
    script.write_text(ragbraid("completion", shell).stdout, "utf-8")
    assert subprocess.run([found, "-n", script], check=False).returncode == 0


def completed(words: str, at: int, cwd: Path | None = None) -> list[str]:
    """What bash is offered for the word `at` of a line."""
    asking = environment(_RAGBRAID_COMPLETE="complete_bash", COMP_WORDS=words, COMP_CWORD=str(at))
    done = ragbraid(env=asking, cwd=cwd)
    assert done.stderr == ""
    return done.stdout.split()


def test_commands_and_options_are_completed() -> None:
    assert sorted(completed("ragbraid s", 1)) == [
        "schema", "search", "serve", "show", "source", "status", "study", "sweep",
    ]  # fmt: skip
    assert completed("ragbraid source ", 2) == ["list", "show", "remove", "purge"]
    assert "--collection" in completed("ragbraid ask --", 2)
    assert completed("ragbraid completion p", 2) == ["powershell"]


def test_values_are_completed(tmp_path: Path) -> None:
    assert completed("ragbraid models get qwen3-8", 3) == ["qwen3-8b"]
    assert completed("ragbraid models get qwen3-8b all", 4) == ["all-minilm-l6-v2"]
    assert completed("ragbraid components max", 2) == ["maxsim"]
    assert completed("ragbraid show --format s", 3) == ["svg"]
    assert completed("ragbraid source show ", 3, tmp_path) == [], "nothing is stored, and nothing said"
    (tmp_path / "x.yaml").write_text(WORDS, "utf-8")
    for name in ("xy.py", ".x.yaml", "notes/a.md", "notes/b.yml"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("Some words.\n", "utf-8")
    assert completed("ragbraid ask -p ", 3, tmp_path) == ["notes/", "x.yaml"]
    assert completed("ragbraid check notes/", 2, tmp_path) == ["notes/b.yml"]
    assert completed("ragbraid check --allow x", 3, tmp_path) == ["xy.py"]
    assert completed(f"ragbraid check {tmp_path}/x", 2) == [f"{tmp_path}/x.yaml"]
    assert ragbraid("ingest", "notes", "-p", "x.yaml", cwd=tmp_path).returncode == 0
    assert ragbraid("ingest", "notes", "-p", "x.yaml", "--collection", "aside", cwd=tmp_path).returncode == 0
    assert completed("ragbraid ask -p x.yaml --collection a", 5, tmp_path) == ["aside"]
    assert completed("ragbraid source show -p x.yaml no", 5, tmp_path) == ["notes/a.md", "notes/b.yml"]


def test_summaries_are_whole() -> None:
    for shell in ("zsh", "fish"):
        asking = environment(
            _RAGBRAID_COMPLETE=f"complete_{shell}", _TYPER_COMPLETE_ARGS="ragbraid i",
            _TYPER_COMPLETE_FISH_ACTION="get-args",
        )  # fmt: skip
        assert "Write a commented ragbraid.yaml into this folder." in ragbraid(env=asking).stdout


def test_bash_completes_with_it(tmp_path: Path) -> None:
    bash = shutil.which("bash")
    if bash is None or sys.platform == "win32":
        pytest.skip("bash isn't installed")
    command = tmp_path / "ragbraid"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m ragbraid "$@"\n', "utf-8")
    command.chmod(0o755)
    script = (
        'eval "$(ragbraid completion bash)"\nCOMP_WORDS=(ragbraid stat)\nCOMP_CWORD=1\n'
        '_ragbraid_completion ragbraid\necho "${COMPREPLY[@]}"\n'
    )
    env = environment()
    env["PATH"] = f"{tmp_path}:{env['PATH']}"
    done = subprocess.run([bash, "-c", script], env=env, capture_output=True, encoding="utf-8", check=False)
    assert (done.stdout, done.stderr) == ("status\n", "")


def test_another_shell_is_told_which_there_are() -> None:
    says(ragbraid("completion", "tcsh"), 2, "'bash', 'zsh', 'fish', 'powershell'")
