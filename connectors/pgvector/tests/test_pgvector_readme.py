"""README and example run, and print what they show."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest
from readme import demand_true

HERE = Path(__file__).parents[1]


def test_the_readme_is_true(tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", url)
    demand_true(HERE / "README.md", tmp_path)


def test_the_example_finds_what_the_filter_lets_through(url: str) -> None:
    main = runpy.run_path(str(HERE / "examples" / "filtered_search.py"))["main"]
    assert main(url) == ["The rent is due on the first Friday of a month."]
