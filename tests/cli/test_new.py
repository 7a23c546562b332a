"""`ragbraid new component` writes packages that work."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from commandline import environment, ragbraid, says

from ragbraid.cli.new import STEPS, Plugin
from ragbraid.errors import InputError
from soaking import count

WROTE = """\
my-shared-words holds a reranker that works, and its test. Next:

  cd my-shared-words
  pip install -e .
  python -m pytest

Then, in a pipeline file:

  - {type: my/shared-words}
"""


def python(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=folder, env=environment(), capture_output=True, encoding="utf-8", check=False,
    )  # fmt: skip


@pytest.fixture(scope="session")
def mypy_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What mypy knows of the package, which takes it ten times as long as the code of a component."""
    return tmp_path_factory.mktemp("mypy")


def test_says_what_comes_next(tmp_path: Path) -> None:
    done = ragbraid("new", "component", "shared-words", cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, WROTE, "")
    assert sorted(each.name for each in (tmp_path / "my-shared-words").iterdir()) == [
        "README.md", "my_shared_words.py", "pyproject.toml", "test_my_shared_words.py",
    ]  # fmt: skip


@pytest.mark.parametrize("kind", [*STEPS][: count(2, len(STEPS))])
def test_the_test_of_each_kind_is_green_and_its_code_clean(
    kind: str, mypy_cache: Path, tmp_path: Path
) -> None:
    done = ragbraid("new", "component", "acme/my-own", "--kind", kind, "--json", cwd=tmp_path)
    said = json.loads(done.stdout)
    assert (said["type"], said["kind"], said["folder"]) == ("acme/my-own", kind, "acme-my-own")
    folder = tmp_path / said["folder"]
    assert sorted(each.name for each in folder.iterdir()) == said["files"]

    project = tomllib.loads((folder / "pyproject.toml").read_text("utf-8"))["project"]
    assert project["entry-points"]["ragbraid.components"] == {"acme/my-own": "acme_my_own:MyOwn"}
    tested = python(folder, "-m", "pytest", "-q", "-p", "no:cacheprovider")
    assert tested.returncode == 0, tested.stdout
    assert "skipped" not in tested.stdout
    assert len((folder / "acme_my_own.py").read_text("utf-8").splitlines()) < 50

    rules = "--select=A,ARG,B,C4,E,F,I,N,PERF,PIE,RET,RUF,SIM,UP,W"
    linted = python(folder, "-m", "ruff", "check", "--isolated", "--line-length=110", rules, ".")
    assert linted.returncode == 0, linted.stdout
    typed = python(folder, "-m", "mypy", "--strict", f"--cache-dir={mypy_cache}", ".")
    assert typed.returncode == 0, typed.stdout


def test_a_component_that_breaks_the_contract_fails_its_test(tmp_path: Path) -> None:
    ragbraid("new", "component", "shared-words", cwd=tmp_path)
    module = tmp_path / "my-shared-words" / "my_shared_words.py"
    module.write_text(module.read_text("utf-8").replace("-hit.score", "hit.score"), "utf-8")
    tested = python(module.parent, "-m", "pytest", "-q", "-p", "no:cacheprovider")
    assert tested.returncode == 1
    assert "test_orders_by_score" in tested.stdout


def test_a_folder_that_is_there_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "acme-mine").mkdir()
    done = ragbraid("new", "component", "acme/mine", cwd=tmp_path)
    says(done, 2, "acme-mine is already there.")
    assert list((tmp_path / "acme-mine").iterdir()) == []


@pytest.mark.parametrize("name", ["", "Recency", "a b", "a/b/c", "/x", "x/", "2fa", "a_b", "../x", "é"])
def test_a_name_that_cannot_be_is_refused(name: str) -> None:
    with pytest.raises(InputError, match="can't name a component") as caught:
        Plugin.of(name, "reranker")
    assert "acme/recency" in caught.value.hint


@pytest.mark.parametrize("name", ["hit", "hits", "none", "answer", "acme/question"])
def test_a_name_that_means_something_else_is_refused(name: str) -> None:
    with pytest.raises(InputError, match="already means something"):
        Plugin.of(name, "reranker")


def test_a_taken_name_and_an_unknown_kind_are_sentences(tmp_path: Path) -> None:
    says(ragbraid("new", "component", "testing/list-index", cwd=tmp_path), 2, "There is a component")
    done = ragbraid("new", "component", "x", "--kind", "rerankr", cwd=tmp_path)
    says(done, 2, "no template for the kind 'rerankr'; did you mean 'reranker'?")
    says(ragbraid("new", "component", "x", "--kind", "index", cwd=tmp_path), 2, "reranker, retriever")
    assert list(tmp_path.iterdir()) == []
