"""The pipelines that ship with ragbraid: each is right, and opens as its user's first page."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from commandline import ragbraid

from ragbraid.cli.main import app
from ragbraid.pipeline.check import check_file

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted((ROOT / "pipelines").glob("*.yaml"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_is_right_with_no_variable_set(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HOME", "XDG_CACHE_HOME", "OPENAI_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    assert check_file(file) == []


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_the_command_finds_it_right_where_nothing_is_set(file: Path, tmp_path: Path) -> None:
    env = {"PYTHONPATH": str(ROOT / "src"), "RAGBRAID_MODELS": str(tmp_path / "none")}
    done = ragbraid("check", "-p", str(file), cwd=tmp_path, env=env)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{file} is right.\n", "")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_the_commands_of_its_first_page_are_there(file: Path) -> None:
    shown = re.findall(r"^#   ragbraid (\w+)", file.read_text("utf-8"), re.M)
    known = {each.name for each in (*app.registered_commands, *app.registered_groups)}
    assert set(shown) <= known
    assert {"ask", "chat"} & set(shown)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_begins_by_saying_what_it_is_for_and_how_to_run_it(file: Path) -> None:
    first, *rest = file.read_text("utf-8").splitlines()
    assert first.startswith("# ")
    assert any(line.startswith("#   ragbraid ") for line in rest[:10])


def test_the_default_has_the_ids_that_overrides_rely_on() -> None:
    local = next(file for file in FILES if file.name == "local.yaml")
    overrides = {
        "components.index.path": "elsewhere",
        "components.embedder.model": "./mine",
        "components.generator.model": "./mine.gguf",
        "search.dense.candidates": 10,
        "search.lexical.candidates": 10,
        "search.maxsim.candidates": 50,
    }
    assert check_file(local, set=overrides) == []
    assert len(check_file(local, set={"ask.quote.nonsense": 1, "search.nonsense.k": 1})) == 2
