from __future__ import annotations

from pathlib import Path

import pytest
from tiny_model import CONTENT, NAME, folder_of

from ragbraid.errors import InputError
from ragbraid.models import bundle as bundling
from ragbraid.models.bundle import bundle, requirements
from ragbraid.models.fetch import get


def installed(site: Path, name: str, version: str, *requires: str) -> None:
    folder = site / f"{name.replace('-', '_')}-{version}.dist-info"
    folder.mkdir(parents=True)
    lines = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}"]
    lines += [f"Requires-Dist: {each}" for each in requires]
    (folder / "METADATA").write_text("\n".join(lines) + "\n", "utf-8")


def test_requirements_are_what_is_installed_for_ragbraid(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = tmp_path / "site"
    installed(
        site, "ragbraid", "7.1", "needed-a>=1", 'needed-b[fast]>=2; extra == "local"',
        'ragbraid[docs-in]; extra == "local"', 'reader; extra == "docs-in"',
        'unwanted; extra == "bench"', "elsewhere; sys_platform == 'win99'",
    )  # fmt: skip
    installed(site, "needed-a", "1.5", "Deep.Name")
    installed(site, "needed-b", "2.0+cpu", 'quick; extra == "fast"', 'unwanted; extra == "slow"', "needed-a")
    for name in ("Deep.Name", "quick", "reader", "unwanted"):
        installed(site, name, "0.1")
    monkeypatch.setattr("sys.path", [str(site)])
    lines = [line for line in requirements().splitlines() if not line.startswith("#")]
    assert lines == [
        "ragbraid[local]==7.1", "Deep.Name==0.1", "needed-a==1.5", "needed-b==2.0+cpu", "quick==0.1",
        "reader==0.1",
    ]  # fmt: skip


def test_a_checkout_that_isnt_installed_names_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.path", [])
    assert requirements().splitlines()[-1] == "ragbraid[local]"


def test_names_are_looked_at_before_anything_is_done(cache: Path, tmp_path: Path) -> None:
    for wrong, said in (("someone/model", "isn't in the catalogue"), ("tinny", "Did you mean 'tiny'")):
        with pytest.raises(InputError, match=said):
            bundle([NAME, wrong], tmp_path / "stick", fetch=lambda name: pytest.fail("fetched"))
    assert not (tmp_path / "stick").exists()


def test_what_isnt_here_is_fetched_first(cache: Path, tmp_path: Path) -> None:
    plain = folder_of(tmp_path / "plain")
    asked: list[str] = []

    def fetch(name: str) -> Path:
        asked.append(name)
        return get(name, source=plain)

    for _ in range(2):
        (made,) = bundle([NAME], tmp_path / "stick", fetch=fetch)
        assert {path: (made / path).read_bytes() for path in CONTENT} == CONTENT
    assert asked == [NAME]
    assert (tmp_path / "stick" / bundling.REQUIREMENTS).exists()
