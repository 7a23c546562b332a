"""The Makefile on every system: what it would run, and what it runs where each program is a stub."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
NOTES = """\
#!/bin/sh
# Stands for Python: notes what it was asked for; as `venv` it makes another one.
printf '%s\\n' "$*" >> "{log}"
case "$*" in
  *"-m venv"*) mkdir -p .venv/bin && cp "$0" .venv/bin/python ;;
  *"{fails}"*) exit 3 ;;
esac
"""


def make(*arguments: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    env = {key: value for key, value in os.environ.items() if not key.startswith(("MAKE", "MFLAGS", "TORCH"))}
    return subprocess.run(["make", *arguments], cwd=cwd, env=env, capture_output=True, text=True, check=False)


def dry(target: str, *variables: str, folder: Path) -> list[str]:
    """The commands of a target where nothing is installed yet."""
    done = make("-n", "-f", str(ROOT / "Makefile"), target, *variables, cwd=folder)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    """A checkout in a folder with a space, of which make sees no more than this."""
    folder = tmp_path / "a checkout"
    folder.mkdir()
    (folder / "pyproject.toml").touch()
    return folder


SYSTEMS = {  # OS as the system sets it: Windows does, the others don't
    "Windows_NT": ("python", ".venv/Scripts/python.exe"),
    "": ("python3", ".venv/bin/python"),
}


@pytest.mark.parametrize("system", SYSTEMS)
@pytest.mark.parametrize("target", ["demo", "test", "lint", "soak", "docs", "pictures", "bench", "models"])
def test_each_system_has_its_own_paths(target: str, system: str, bare: Path) -> None:
    python, installed = SYSTEMS[system]
    lines = dry(target, f"OS={system}", folder=bare)
    assert f'"{python}" -m venv .venv' in lines
    ours = [line for line in lines if ".venv/" in line and "touch" not in line]
    assert ours
    assert [line for line in ours if installed not in line] == []


def test_torch_comes_from_pips_own_index_unless_another_is_asked_for(bare: Path) -> None:
    plain = dry("demo", folder=bare)
    assert [line for line in plain if "index" in line and "pip" in line] == []
    asked = dry("demo", "TORCH_INDEX=https://a.b/cpu", folder=bare)
    asked = [line for line in asked if "--index-url" in line]
    assert len(asked) == 1
    assert 'pip install --quiet --no-compile --index-url "https://a.b/cpu" "torch==' in asked[0]


def stub(folder: Path, fails: str = "nothing") -> Path:
    python = folder / "the python"
    python.write_text(NOTES.format(log=folder / "log", fails=fails))
    python.chmod(0o755)
    return python


@pytest.mark.skipif(os.name == "nt", reason="the stub is a shell script")
def test_the_demo_installs_once_and_asks_three_questions(bare: Path) -> None:
    run = ("-f", str(ROOT / "Makefile"), "demo", f"PYTHON={stub(bare)}", "VENV_PYTHON=.venv/bin/python")
    first = make(*run, cwd=bare)
    assert first.returncode == 0, first.stderr
    asked = (bare / "log").read_text().splitlines()
    assert [line for line in asked if "pip install" in line] == [
        "-m pip install --quiet --no-compile torch==2.13.0",
        "-m pip install --quiet --no-compile --editable .[local]",
    ]
    assert asked[-5].startswith("-m ragbraid models get ")
    assert asked[-4] == "-m ragbraid ingest docs"
    assert all(line.startswith("-m ragbraid ask ") for line in asked[-3:])
    (bare / "log").unlink()
    assert make(*run, cwd=bare).returncode == 0
    assert "pip install" not in (bare / "log").read_text()


@pytest.mark.skipif(os.name == "nt", reason="the stub is a shell script")
def test_what_is_compiled_is_kept(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    python = stub(bare)
    python.write_text(python.read_text().replace("case", 'echo "$PYTHONDONTWRITEBYTECODE" >> kept\ncase', 1))
    run = ("-f", str(ROOT / "Makefile"), "models", f"PYTHON={python}", "VENV_PYTHON=.venv/bin/python")
    assert make(*run, cwd=bare).returncode == 0
    assert set((bare / "kept").read_text().splitlines()) == {""}


@pytest.mark.skipif(os.name == "nt", reason="the stub is a shell script")
@pytest.mark.parametrize("fails", ["ask", "pip install --quiet --no-compile torch", "ingest", "version_info"])
def test_it_stops_where_something_fails(fails: str, bare: Path) -> None:
    variables = [f"PYTHON={stub(bare, fails)}", "VENV_PYTHON=.venv/bin/python"]
    done = make("-f", str(ROOT / "Makefile"), "demo", *variables, cwd=bare)
    assert done.returncode != 0
    assert fails in (bare / "log").read_text().splitlines()[-1]


def test_an_old_python_is_told_at_once(bare: Path) -> None:
    recipe = next(line for line in dry("models", folder=bare) if "version_info" in line)
    code = recipe.partition(' -c "')[2].removesuffix('"').replace("sys.version_info", "(3, 9)")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "ragbraid needs Python 3.11 or newer" in done.stderr


def test_the_workflow_runs_make_test_everywhere() -> None:
    text = (ROOT / ".github" / "workflows" / "test.yml").read_text("utf-8")
    workflow = yaml.safe_load(text)
    job = workflow["jobs"]["test"]
    assert job["strategy"]["matrix"] == {
        "os": ["ubuntu-latest", "macos-latest", "windows-latest"],
        "python": ["3.11", "3.12", "3.13"],
    }
    assert job["defaults"]["run"]["shell"] == "bash"
    *prepared, last = [step["run"] for step in job["steps"] if "run" in step]
    assert last == "make test PYTHON=python"
    assert [each.split("\n")[0] for each in prepared] == ['case "$RUNNER_OS" in']  # what OCR needs
    assert workflow["permissions"] == {"contents": "read"}
    assert "secrets." not in text
    assert "index" not in text


def test_no_file_names_a_package_index_but_where_a_reader_needs_one() -> None:
    hosts = ["py" + "pi.org", "python" + "hosted.org", "py" + "torch.org"]
    command = ["git", "grep", "-lF", *(f"-e{each}" for each in hosts)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode > 1:
        pytest.skip("this isn't a checkout")
    assert set(done.stdout.splitlines()) <= {"README.md"}
