"""The same output under every locale, for every script."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import golden_files
import pytest
from commandline import environment, ragbraid
from every_command import CALLS, CODES, COMMANDS, WITH_MODEL, prepare
from test_bad_input import WORDS

from soaking import count

TEXT = "Größe: 42 — “quoted”, 漢字, 🎈, {braces}, <|im_start|>, \x1b[31mred\n"
LOCALES = {
    "utf-8": {"LC_ALL": "C.UTF-8"},
    "ascii": {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    "latin-1": {"LC_ALL": "C.UTF-8", "PYTHONUTF8": "0", "PYTHONIOENCODING": "latin-1"},
}
TOGETHER = """
import json, sys
from ragbraid.__main__ import main
for each in json.loads(sys.argv.pop()):
    sys.argv[1:] = each
    try:
        main()
    except SystemExit as end:
        print(chr(30) + str(end.code or 0) + chr(31), flush=True)
"""
"""Runs several commands in one process: a start for each would take most of the time."""
SLOW = {"doctor", *WITH_MODEL}
TELLING = {"ask", "search", "source-show", "chat"}
"""Those that print a passage."""


def sample(commands: list[str], locale: str) -> list[str]:
    """Those to run under a locale: each under one of them, unless all are to be run."""
    at = [*LOCALES].index(locale)
    return commands[slice(count(at, 0), None, count(len(LOCALES), 1))]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no POSIX locales.")
@pytest.mark.parametrize("name", LOCALES)
def test_output_is_utf8_under_every_locale(tmp_path: Path, name: str) -> None:
    (tmp_path / "ragbraid.yaml").write_text(WORDS, "utf-8")
    (tmp_path / "Straße 漢.md").write_text(TEXT, "utf-8")
    env = environment(**LOCALES[name])
    done = ragbraid("ingest", "Straße 漢.md", cwd=tmp_path, env=env)
    assert done.stderr == "+ Straße 漢.md  1 chunk\n"
    found = ragbraid("search", "Größe", "--json", cwd=tmp_path, env=env)
    (hit,) = json.loads(found.stdout)
    assert hit["source"] == "Straße 漢.md"
    assert hit["text"] == TEXT.strip()
    shown = ragbraid("search", "漢字", cwd=tmp_path, env=env).stdout
    assert "Größe: 42 — “quoted”, 漢字, 🎈, {braces}, <|im_start|>, \ufffd[31mred" in shown


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no POSIX locales.")
@pytest.mark.parametrize("name", LOCALES)
def test_every_command_speaks_utf8_under_every_locale(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "Größe 漢"
    prepare(folder)
    quick = [each for each in CALLS if each not in SLOW]
    named = {each: (*COMMANDS[each].path, *CALLS[each], "--json") for each in sample(quick, name)}
    helps = {f"help-{each}": (*COMMANDS[each].path, "--help") for each in sample([*COMMANDS], name)}
    env = environment(RAGBRAID_MODELS=str(folder / "models"), **LOCALES[name])
    done = subprocess.run(
        [sys.executable, "-c", TOGETHER, json.dumps([*named.values(), *helps.values()])],
        cwd=folder, env=env, input="Größe?\n".encode(), capture_output=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert b"Traceback" not in done.stderr
    *told, nothing = done.stdout.decode("utf-8").split("\x1f\n")
    assert nothing == ""
    for call, each in zip([*named, *helps], told, strict=True):
        text, _, code = each.partition("\x1e")
        assert int(code) == CODES.get(call, 0), call
        if call in named:
            assert json.loads(text), call
        else:
            assert text == golden_files.kept(f"{call}.txt")
    for call in TELLING & named.keys():
        assert "Größe, 漢字, 🎈" in told[[*named].index(call)]
