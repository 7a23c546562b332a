"""The README's installation and the tutorial, followed literally where nothing of ours is yet.

Full counts only: it installs, and a dozen commands load their models each. `tests/docs` runs the tutorial's
blocks in every run.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import sysconfig
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from blocks import agrees, blocks, commands, write

from ragbraid.models.cache import cache_folder
from soaking import FULL

ROOT = Path(__file__).resolve().parents[2]
OFFLINE = {"HF_HUB_OFFLINE": "1", "PIP_NO_INDEX": "1", "PIP_NO_DEPS": "1", "PIP_NO_BUILD_ISOLATION": "0"}
"""No network. The last is pip's own way to say that isolation is off."""
OURS = ("PYTHON", "PIP_", "VIRTUAL_ENV", "RAGBRAID", "HF_", "COV", "PYTEST")
"""How the names of variables begin that a newcomer hasn't set."""


@dataclass
class Newcomer:
    """Someone at a shell: a home with nothing in it, a folder, and what `activate` sets."""

    home: Path
    folder: Path
    variables: dict[str, str] = field(default_factory=dict)

    def run(self, command: str, text: str = "") -> tuple[str, int]:
        """What the command prints, and its exit code. The current folder and variables last."""
        kept = self.home.parent / "kept"
        script = f'{command}\ncode=$?\npwd > "{kept}"\nprintf %s "$PATH" >> "{kept}"\nexit $code'
        done = subprocess.run(
            ["sh", "-c", script],
            cwd=self.folder, env=self._environment(), input=text, encoding="utf-8",
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, timeout=600,
        )  # fmt: skip
        folder, _, path = kept.read_text("utf-8").partition("\n")
        self.folder, self.variables["PATH"] = Path(folder), path
        return done.stdout, done.returncode

    def _environment(self) -> dict[str, str]:
        plain = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
        models = {"RAGBRAID_MODELS": str(cache_folder())}  # a download would need a network
        return {**plain, "HOME": str(self.home), **models, **OFFLINE, **self.variables}


@pytest.fixture
def newcomer(tmp_path: Path) -> Newcomer:
    """With a checkout, as `git clone` makes one; beside it the folder of documents."""
    home, checkout = tmp_path / "home", tmp_path / "a checkout"
    home.mkdir()
    named = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
    for name in named.decode().split("\0"):
        if (ROOT / name).is_file():
            (checkout / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, checkout / name)
    python = {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    return Newcomer(home, checkout, python)


@pytest.mark.skipif(not FULL, reason="it takes minutes; at full counts only")
@pytest.mark.skipif(os.name == "nt", reason="the page writes its commands for a POSIX shell")
@pytest.mark.model
@pytest.mark.timeout(900)
def test_the_readme_and_the_tutorial_lead_from_nothing_to_a_right_answer(
    newcomer: Newcomer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(newcomer)
    by_others = set(newcomer.home.rglob("*"))  # pip starts programs that keep something there
    newcomer.folder = tmp_path / "my texts"
    newcomer.folder.mkdir()
    monkeypatch.chdir(newcomer.folder)
    output = ""
    for block in blocks((ROOT / "docs" / "tutorial.md").read_text("utf-8")):
        write(block)
        if block.lang == "console":
            follow(newcomer, commands(block.text), f"tutorial.md:{block.line}")
        elif block.lang == "python" and not block.title:
            output, code = newcomer.run("python -", block.text)
            assert code == 0, output
        elif block.lang == "text":
            assert agrees(block.text, output), f"shown\n{block.text}\nprinted\n{output}"
    assert set(newcomer.home.rglob("*")) == by_others


def install(newcomer: Newcomer) -> None:
    """The README's section on it, line by line; packages are borrowed instead of downloaded."""
    section = re.search(r"^## Install\n(.*?)^## ", (ROOT / "README.md").read_text("utf-8"), re.M | re.S)
    assert section is not None
    (block,) = (each for each in blocks(section[1]) if each.lang == "sh")
    for line in block.text.splitlines():
        printed, code = newcomer.run(line)
        assert code == 0, f"$ {line}\n{printed}"
        if " -m venv " in line:
            (own,) = newcomer.folder.glob(".venv/lib/*/site-packages")
            (own / "borrowed.pth").write_text(sysconfig.get_path("purelib"), "utf-8")
    where, _ = newcomer.run("command -v ragbraid")
    assert where.strip() == str(newcomer.folder / ".venv" / "bin" / "ragbraid")


def follow(newcomer: Newcomer, pairs: list[tuple[str, str]], place: str) -> None:
    """Each command of a block as it is written, and what is shown below it."""
    code = 0
    for (command, shown), following in zip(pairs, [*pairs[1:], ("", "")], strict=True):
        if command == "echo $?":
            printed, code = str(code), 0
        else:
            printed, code = newcomer.run(command)
            assert code == 0 or following[0] == "echo $?", f"{place}: $ {command}\n{printed}"
        assert agrees(shown, printed), f"{place}: $ {command}\nshown\n{shown}\nprinted\n{printed}"
