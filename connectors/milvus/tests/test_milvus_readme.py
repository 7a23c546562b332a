"""The README runs, and prints what it shows."""

from __future__ import annotations

from pathlib import Path

import pytest
from readme import demand_true

HERE = Path(__file__).parents[1]


def test_the_readme_is_true(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MILVUS_URL", str(tmp_path / "vectors.db"))
    demand_true(HERE / "README.md", tmp_path)
