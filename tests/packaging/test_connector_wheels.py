"""Each connector's wheel holds its package and nothing else, and is found by ragbraid once installed.

All of them at full counts; their frameworks needn't be here.
"""

from __future__ import annotations

import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest
from test_plugin import Environment, environment
from test_wheel import build

from soaking import count

__all__ = ["environment"]  # the fixture
ROOT = Path(__file__).resolve().parents[2]
CONNECTORS = sorted(each.parent for each in (ROOT / "connectors").glob("*/pyproject.toml"))
LISTS = """
from importlib.metadata import entry_points
print(sorted(each.value for each in entry_points(group={group!r})))
"""


def project(connector: Path) -> dict[str, object]:
    return tomllib.loads((connector / "pyproject.toml").read_text("utf-8"))["project"]


@pytest.mark.parametrize("connector", CONNECTORS[-count(1, len(CONNECTORS)) :], ids=lambda each: each.name)
def test_it_can_be_built_installed_and_found(
    connector: Path,
    environment: Environment,
    tmp_path: Path,
) -> None:
    wheel = build("wheel", tmp_path, connector)
    held = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    source = connector / "src"
    there = {path for path in source.rglob("*") if path.is_file() and "__pycache__" not in path.parts}
    assert held == {path.relative_to(source).as_posix() for path in there if "egg-info" not in str(path)}
    assert any(name.endswith("/py.typed") for name in held)
    assert any(name.endswith("licenses/LICENSE") for name in zipfile.ZipFile(wheel).namelist())

    with tarfile.open(build("sdist", tmp_path, connector)) as archive:
        tops = {name.split("/")[1] for name in archive.getnames()}
    assert tops == {"LICENSE", "PKG-INFO", "README.md", "pyproject.toml", "src"} | (tops & {".gitignore"})

    environment.install(wheel)
    for group, points in project(connector)["entry-points"].items():  # type: ignore[attr-defined]
        found = environment.run("-c", LISTS.format(group=group), cwd=tmp_path)
        assert all(repr(value) in found for value in points.values())


def test_each_goes_with_the_version_of_the_core_and_its_licence() -> None:
    core = project(ROOT)
    for connector in CONNECTORS:
        assert project(connector)["version"] == core["version"], connector.name
        assert (connector / "LICENSE").read_bytes() == (ROOT / "LICENSE").read_bytes(), connector.name
