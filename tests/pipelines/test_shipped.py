"""The pipelines that ship with ragbraid: each is right, and opens as its user's first page."""

from __future__ import annotations

from pathlib import Path

import pytest

from ragbraid.pipeline.check import check_file

FILES = sorted((Path(__file__).resolve().parents[2] / "pipelines").glob("*.yaml"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_is_right_with_no_variable_set(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HOME", "XDG_CACHE_HOME", "OPENAI_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    assert check_file(file) == []


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
