from __future__ import annotations

import json
import shlex
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import typer
from tiny_model import CONTENT, NAME, folder_of

from ragbraid.cli import models
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
        "ragbraid[local]==7.1", "Deep.Name==0.1", "needed-a==1.5", "needed-b==2.0", "quick==0.1",
        "reader==0.1",
    ]  # fmt: skip


def wheel(folder: Path, name: str, version: str, *requires: str) -> Path:
    stem = f"{name.replace('-', '_')}-{version}"
    lines = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}", "Provides-Extra: local"]
    lines += [f"Requires-Dist: {each}" for each in requires]
    path = folder / f"{stem}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr(f"{stem}.dist-info/METADATA", "\n".join(lines) + "\n")
        packed.writestr(f"{stem}.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        packed.writestr(f"{stem}.dist-info/RECORD", "")
    return path


def pip(*arguments: str, cwd: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "pip", *arguments], cwd=cwd, text=True, capture_output=True, check=False
    )
    assert done.returncode == 0, done
    return done.stdout


def test_what_it_says_to_do_can_be_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    site, stick, built = tmp_path / "site", tmp_path / "a stick", tmp_path / "built here"
    stick.mkdir()
    built.mkdir()
    source = wheel(built, "ragbraid", "99.1", 'torch>=2; extra == "local"')
    installed(site, "ragbraid", "99.1", 'torch>=2; extra == "local"')
    told = {"url": source.as_uri(), "archive_info": {}}
    (site / "ragbraid-99.1.dist-info" / "direct_url.json").write_text(json.dumps(told), "utf-8")
    installed(site, "torch", "2.13.0+cpu")
    with monkeypatch.context() as patched:
        patched.setattr("sys.path", [str(site)])
        text = requirements()
    assert "# torch was its cpu build: where that matters, name the index that has it to pip." in text
    (stick / "requirements.txt").write_text(text, "utf-8")
    commands = [shlex.split(line[1:]) for line in text.splitlines() if line.startswith("#   pip ")]
    make, download, install = (each[1:] for each in commands)
    pip(*make, "--no-index", cwd=stick)
    assert [each.name for each in (stick / "wheels").iterdir()] == [source.name]
    wheel(stick / "wheels", "torch", "2.13.0")
    pip(*download, "--no-index", cwd=stick)
    assert "ragbraid-99.1 torch-2.13.0" in pip(*install, "--dry-run", "--ignore-installed", cwd=stick)


def test_a_checkout_is_named_by_its_commit_or_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    git = {"url": "https://host/a.git", "vcs_info": {"vcs": "git", "commit_id": "abc"}}
    folder = {"url": tmp_path.as_uri(), "dir_info": {"editable": True}}
    installed(tmp_path, "ragbraid", "1.0")
    monkeypatch.setattr("sys.path", [str(tmp_path)])
    for told, named in ((git, "git+https://host/a.git@abc"), (folder, str(tmp_path))):
        file = tmp_path / "ragbraid-1.0.dist-info" / "direct_url.json"
        file.write_text(json.dumps(told), "utf-8")
        assert f"pip wheel --no-deps -w wheels {named}\n" in requirements()


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


def test_where_one_cant_be_had_the_others_are(
    cache: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stick = folder_of(tmp_path / "stick" / NAME).parent
    with pytest.raises(typer.Exit) as ended:
        models.get(["tinny", NAME], source=stick, quiet=True)
    assert ended.value.exit_code == 1
    said = capsys.readouterr()
    assert said.out == f"{NAME}: {cache / NAME}\n"
    assert "tinny: " in said.err
    with pytest.raises(typer.Exit) as ended:
        models.get(["tinny", "tinnny"], source=stick, as_json=True, quiet=True)
    assert ended.value.exit_code == 2
    assert [each["error"] for each in json.loads(capsys.readouterr().out).values()] == ["InputError"] * 2
