"""Plug-ins installed as packages, beside ragbraid's own wheel, where nothing else of ours is."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "examples" / "plugin"

PIPELINE = """\
ragbraid: 1
components:
  index: {type: faiss, path: index}
ingest:
  - {type: files}
  - {type: recursive-splitter}
  - index
search:
  - {type: lexical, index: index}
  - {type: example/recency, weight: 0.8}
"""
NOTES = {"old": "2019-05-01", "new": "2025-05-01", "middle": "2022-05-01"}


@dataclass(frozen=True)
class Environment:
    """A virtual environment of its own. It borrows this one's packages, and installs without a network."""

    folder: Path

    @property
    def python(self) -> Path:
        scripts = "Scripts" if os.name == "nt" else "bin"
        return self.folder / scripts / Path(sys.executable).name

    def run(self, *arguments: str | Path, cwd: Path) -> str:
        env = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        done = subprocess.run(
            [self.python, *map(str, arguments)],
            cwd=cwd, env=env, stdin=subprocess.DEVNULL, capture_output=True, encoding="utf-8", check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def install(self, *what: str | Path) -> None:
        options = ["--quiet", "--no-index", "--no-deps", "--no-build-isolation"]
        subprocess.run(
            [sys.executable, "-m", "pip", "--python", self.folder, "install", *options, *what], check=True
        )


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    made = Environment(tmp_path_factory.mktemp("an empty") / "venv")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", made.folder], check=True)
    where = "import sysconfig; print(sysconfig.get_path('purelib'))"
    own = Path(made.run("-c", where, cwd=made.folder).strip())
    (own / "borrowed.pth").write_text(sysconfig.get_path("purelib"), "utf-8")
    made.install(ROOT)
    return made


def test_the_example_is_installed_used_from_yaml_and_keeps_its_contract(
    environment: Environment, tmp_path: Path
) -> None:
    source = shutil.copytree(EXAMPLE, tmp_path / "example")
    environment.install(source)

    folder = tmp_path / "notes"
    folder.mkdir()
    for name, day in NOTES.items():
        (folder / f"{name}.md").write_text(f"---\ndate: {day}\n---\nThe office opens at nine.\n", "utf-8")
    pipeline = tmp_path / "ragbraid.yaml"
    pipeline.write_text(PIPELINE, "utf-8")

    def ragbraid(*arguments: str) -> str:
        return environment.run("-m", "ragbraid", *arguments, cwd=tmp_path)

    assert "is right." in ragbraid("check")
    ragbraid("ingest", "notes", "--quiet")
    hits = json.loads(ragbraid("search", "When does the office open?", "--json"))
    assert [each["source"] for each in hits] == ["notes/new.md", "notes/middle.md", "notes/old.md"]
    assert all(each["score"] == each["scores"]["recency"] for each in hits)

    tests = tmp_path / "tests"
    tests.mkdir()
    shutil.copy(source / "test_ragbraid_recency.py", tests)
    shutil.rmtree(source)
    assert " passed" in environment.run("-m", "pytest", "-q", "-p", "no:cacheprovider", cwd=tests)


def test_a_new_component_can_be_installed_as_it_says(environment: Environment, tmp_path: Path) -> None:
    said = environment.run("-m", "ragbraid", "new", "component", "shared-words", cwd=tmp_path)
    assert "pip install -e ." in said
    environment.install("--editable", tmp_path / "my-shared-words")
    own = PIPELINE.replace("example/recency, weight: 0.8", "my/shared-words")
    (tmp_path / "ragbraid.yaml").write_text(own, "utf-8")
    assert "is right." in environment.run("-m", "ragbraid", "check", cwd=tmp_path)
