"""Each wrong file in `wrong/` is told every one of its mistakes, at its place, and no more."""

from __future__ import annotations

from pathlib import Path

import pytest

from ragbraid.pipeline.check import check_file

FOLDER = Path(__file__).parent / "wrong"
FILES = sorted(FOLDER.glob("*.yaml"))
SHIPPED = sorted((Path(__file__).parents[2] / "pipelines").glob("*.yaml"))


def test_each_has_its_messages() -> None:
    assert len(FILES) >= 89
    assert sorted(each.with_suffix(".txt") for each in FILES) == sorted(FOLDER.glob("*.txt"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_wrong_file(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(FOLDER)
    for name in ("RAGBRAID_KEY", "RAGBRAID_LOW", "RAGBRAID_TYPE", "RAGBRAID_NAME"):
        monkeypatch.delenv(name, raising=False)
    found = [str(each) for each in check_file(file.name, allow=["../parts.py", "builtins"])]
    assert found == file.with_suffix(".txt").read_text("utf-8").splitlines()


@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: file.name)
def test_right_file(file: Path) -> None:
    assert check_file(file) == []
