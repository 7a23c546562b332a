"""The README's blocks run, and print what it shows."""

from __future__ import annotations

from pathlib import Path

import pytest
from readme import demand_true

README = Path(__file__).parents[1] / "README.md"


def test_the_readme_is_true(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    demand_true(README, tmp_path)
