"""The same output under every locale, for every script."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from commandline import environment, ragbraid
from test_bad_input import WORDS

TEXT = "Größe: 42 — “quoted”, 漢字, 🎈, {braces}, <|im_start|>, \x1b[31mred\n"
LOCALES = {
    "utf-8": {"LC_ALL": "C.UTF-8"},
    "ascii": {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
}


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
