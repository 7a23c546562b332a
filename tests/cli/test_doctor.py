"""`ragbraid doctor`: what is installed, what would do the work, what is missing."""

from __future__ import annotations

import json
import os
import sys
from itertools import combinations
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from commandline import ragbraid, says
from test_bad_input import WORDS

from ragbraid.cli import doctor, engines, probes
from ragbraid.embed.sentence_transformer import SentenceTransformer
from ragbraid.index.faiss import Faiss
from ragbraid.index.lock import exclusive
from ragbraid.pipeline.check import check
from ragbraid.pipeline.find import find

NO_MODEL = WORDS.replace(
    "path: .ragbraid/index",
    "path: .ragbraid/index, embedder: {type: sentence-transformer, model: nobody/no-model}",
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "ragbraid.yaml").write_text(WORDS, "utf-8")
    return tmp_path


def test_a_pipeline_that_can_run(folder: Path) -> None:
    done = ragbraid("doctor", cwd=folder)
    assert (done.returncode, done.stderr) == (0, "")
    shown = done.stdout.splitlines()
    for title in ("System", "Packages", f"Pipeline {folder / 'ragbraid.yaml'}", "Folders"):
        assert title in shown
    assert "index  faiss: SQLite, tantivy" in shown
    assert shown[-1] == "This pipeline can run."
    assert [each.name for each in folder.iterdir()] == ["ragbraid.yaml"]


def test_as_json(folder: Path) -> None:
    with exclusive(_lock(folder), 1):
        report = json.loads(ragbraid("doctor", "--json", cwd=folder).stdout)
    assert report["can_run"] is True
    assert report["problems"] == []
    assert report["engines"] == [{"kind": "index", "type": "faiss", "by": "SQLite, tantivy", "problem": None}]
    assert str(os.getpid()) in report["writer"]
    assert report["folders"]["index"]["writable"] is True
    assert report["system"]["python"].endswith(sys.executable)
    assert set(report["core"]) >= {"numpy", "pydantic", "typer"}
    assert all(each["command"] is None or each["missing"] for each in report["extras"])


def _lock(folder: Path) -> Path:
    (folder / ".ragbraid" / "index").mkdir(parents=True)
    return folder / ".ragbraid" / "index" / "writer.lock"


def test_a_missing_model_is_told_with_the_command_that_gets_it(folder: Path) -> None:
    (folder / "ragbraid.yaml").write_text(NO_MODEL, "utf-8")
    done = ragbraid("doctor", cwd=folder)
    assert done.returncode == 1, done
    assert "Traceback" not in done.stderr
    assert "nobody/no-model  missing" in done.stdout
    _, _, problems = done.stdout.partition("This pipeline can't run:\n")
    assert "ragbraid models get nobody/no-model" in problems


def test_a_wrong_file_is_told_with_its_places(folder: Path) -> None:
    (folder / "ragbraid.yaml").write_text(WORDS.replace("type: lexical", "type: lexicl"), "utf-8")
    done = ragbraid("doctor", cwd=folder)
    assert done.returncode == 1
    assert "ragbraid.yaml:9:" in done.stdout
    assert "lexical" in done.stdout
    says(ragbraid("doctor", "-p", "none.yaml", cwd=folder), 2, "no pipeline file none.yaml")


def test_a_component_whose_packages_are_missing_or_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    component = SentenceTransformer("all-minilm-l6-v2")
    broken = engines.engine(component, {"torch": probes.Import(failure="it ends Python with signal 11")})
    assert broken is not None
    assert broken.problem == (
        "torch is installed and can't be imported: it ends Python with signal 11. Install it again."
    )
    monkeypatch.setattr(probes, "is_there", lambda module: module != "torch")
    missing = engines.engine(component, {})
    assert missing is not None
    assert missing.problem is not None
    assert "sentence-transformer needs torch. Run `pip install" in missing.problem


@pytest.mark.model
@pytest.mark.parametrize(
    ("settings", "gpus", "by", "problem"),
    [
        ({}, ("H100",), "torch on H100", None),
        ({"engine": "torch"}, (), "torch on the CPU, as `engine: torch` says", None),
        ({"engine": "openvino"}, ("H100",), "OpenVINO on the CPU, as `engine: openvino` says", None),
        ({"engine": "torch", "device": "cpu"}, ("H100",), "torch on the CPU, as `engine: torch` says", None),
        ({"device": "cuda"}, (), "no engine", "device is cuda, and torch finds no CUDA"),
    ],
)
def test_which_engine_and_why(
    settings: dict[str, Any], gpus: tuple[str, ...], by: str, problem: str | None
) -> None:
    component = SentenceTransformer("all-minilm-l6-v2", **settings)
    engine = engines.engine(component, {"torch": probes.Import(gpus)})
    assert engine is not None
    assert (engine.kind, engine.by) == ("embedder", by)
    assert (engine.problem or "").startswith(problem or "")
    assert (engine.problem is None) == (problem is None)


@pytest.mark.parametrize(
    ("device", "found", "by", "problem"),
    [
        ("auto", {}, "on the CPU, since neither FAISS nor torch finds a GPU", None),
        ("auto", {"faiss": ("GPU 0",)}, "; FAISS on GPU 0 from 50,000 vectors on", None),
        ("auto", {"torch": ("H100",)}, "where an embedder has loaded torch", None),
        ("cuda", {"torch": ("H100",)}, "; torch on H100", None),
        ("cpu", {"torch": ("H100",)}, "on the CPU, as `device: cpu` says", None),
        ("cuda", {}, "on the CPU", "`device: cuda` asks for a GPU, and neither"),
    ],
)
def test_where_an_index_searches_and_why(
    device: Any, found: dict[str, tuple[str, ...]], by: str, problem: str | None
) -> None:
    component = Faiss(Path("index"), SentenceTransformer("all-minilm-l6-v2"), device=device)
    engine = engines.engine(component, {name: probes.Import(gpus) for name, gpus in found.items()})
    assert engine is not None
    assert engine.by.endswith(by) or by == "on the CPU"
    assert (engine.problem or "").startswith(problem or "")
    assert (engine.problem is None) == (problem is None)


def test_faiss_is_not_needed_without_vectors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probes, "is_there", lambda module: module != "faiss")
    words = engines.engine(Faiss(Path("index")), {})
    dense = engines.engine(Faiss(Path("index"), embedder=SentenceTransformer("all-minilm-l6-v2")), {})
    assert words is not None
    assert dense is not None
    assert words.problem is None
    assert "faiss needs faiss" in (dense.problem or "")


def test_every_component_is_looked_at_once() -> None:
    checked = check(find(None), set={}, allow=()).pipeline
    assert checked is not None
    found = list(engines.components(checked))
    assert all(one != other for one, other in combinations(found, 2))
    names = {engines.type_name(each) for each in found}
    assert {"sentence-transformer", "faiss", "local", "files", "zscore", "maxsim", "quote"} <= names


def test_a_module_that_ends_its_process_is_a_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "segfaulting.py").write_text("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)\n")
    (tmp_path / "raising.py").write_text("raise ImportError('libx.so is missing')\n")
    (tmp_path / "talking.py").write_text("print('hello')\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.syspath_prepend(tmp_path)
    found = probes.imports(["segfaulting", "raising", "talking", "not_installed_at_all"])
    assert sorted(found) == ["raising", "segfaulting", "talking"]
    assert found["raising"].failure == "ImportError: libx.so is missing"
    assert found["talking"] == probes.Import()
    if sys.platform != "win32":
        assert found["segfaulting"].failure == "importing it ends Python with signal 9"


def test_a_folder_that_is_not_there_yet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    there = probes.folder(tmp_path / "a" / "b")
    assert (there.exists, there.writable) == (False, True)
    assert there.free_bytes is not None
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path) != tmp_path)
    assert not probes.folder(tmp_path / "a" / "b").writable


def test_extras_name_what_is_missing_and_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        probes, "metadata",
        SimpleNamespace(
            PackageNotFoundError=probes.metadata.PackageNotFoundError,
            requires=lambda _: ["numpy>=2", "torch>=2; extra == 'local'", 'none-such; extra == "local"'],
            version=lambda name: {"numpy": "2.4", "torch": "2.13"}.get(name) or _not_found(name),
        ),
    )  # fmt: skip
    assert probes.core() == {"numpy": "2.4"}
    (local,) = probes.extras()
    assert (local.name, local.installed, local.missing) == ("local", {"torch": "2.13"}, ("none-such",))
    assert local.command == probes.install("local")


def _not_found(name: str) -> str:
    raise probes.metadata.PackageNotFoundError(name)


@pytest.mark.parametrize("writable", [True, False])
def test_models_that_cant_be_stored_have_a_way_out(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], writable: bool
) -> None:
    monkeypatch.chdir(folder)
    monkeypatch.setattr(probes, "folder", lambda path: probes.Folder(path, True, writable, None))
    doctor.command()
    assert ("set RAGBRAID_MODELS to one that you may write to" in capsys.readouterr().out) != writable
