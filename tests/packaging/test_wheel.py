"""The wheel has all that it needs, nothing that it shouldn't, and works where only it is."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BUILD = "import sys; from hatchling import build; print(getattr(build, sys.argv[1])(sys.argv[2]))"


def build(kind: str, folder: Path, project: Path = ROOT) -> Path:
    done = subprocess.run(
        [sys.executable, "-c", BUILD, f"build_{kind}", str(folder)],
        cwd=project, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return folder / done.stdout.strip().splitlines()[-1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build("wheel", tmp_path_factory.mktemp("wheel"))


def test_the_wheel_holds_the_package_and_its_data(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    in_checkout = {
        path.relative_to(ROOT / "src").as_posix()
        for path in (ROOT / "src" / "ragbraid").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    pipelines = {f"ragbraid/pipelines/{path.name}" for path in (ROOT / "pipelines").iterdir()}
    in_wheel = {name for name in names if not name.startswith("ragbraid-")}
    assert in_wheel == in_checkout | pipelines
    assert {"ragbraid/py.typed", "ragbraid/models/catalogue.toml"} <= in_wheel
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert wheel.stat().st_size < 1_500_000


def test_the_wheel_names_the_command(wheel: Path) -> None:
    archive = zipfile.ZipFile(wheel)
    entry_points = next(name for name in archive.namelist() if name.endswith("entry_points.txt"))
    assert "ragbraid = ragbraid.__main__:main" in archive.read(entry_points).decode()


def test_the_wheel_works_away_from_the_checkout(wheel: Path, tmp_path: Path) -> None:
    site = tmp_path / "site packages"
    zipfile.ZipFile(wheel).extractall(site)
    empty = tmp_path / "empty"
    empty.mkdir()
    env = {**os.environ, "PYTHONPATH": str(site)}

    def python(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, *arguments], cwd=empty, env=env, capture_output=True, text=True, check=False
        )

    where = python("-c", "import ragbraid; print(ragbraid.__file__)")
    assert where.stdout.startswith(str(site)), where
    checked = python("-m", "ragbraid", "check")
    assert (checked.returncode, checked.stderr) == (0, ""), checked
    assert "is right." in checked.stdout
    assert list(empty.iterdir()) == []


def test_the_source_distribution_is_whole_and_gives_the_same_wheel_to_the_byte(
    wheel: Path, tmp_path: Path
) -> None:
    packed = build("sdist", tmp_path)
    with tarfile.open(packed) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
        archive.extractall(tmp_path, filter="data")
    wanted = {"pyproject.toml", "README.md", "LICENSE", "pipelines/local.yaml", "src/ragbraid/types.py"}
    assert wanted <= names
    assert not [name for name in names if name.startswith(("tests", ".ragbraid", "docs"))]
    elsewhere = tmp_path / packed.name.removesuffix(".tar.gz")
    assert build("wheel", tmp_path, elsewhere).read_bytes() == wheel.read_bytes()
    (tmp_path / "again").mkdir()
    assert build("sdist", tmp_path / "again", elsewhere).read_bytes() == packed.read_bytes()
