"""`ragbraid components` tells what there is, that of plug-ins too, and what is missing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from commandline import ROOT, environment, ragbraid, says
from golden_files import same

PLUGIN = '''
from dataclasses import dataclass

from ragbraid.types import Hit


@dataclass(frozen=True, slots=True)
class Newest:
    """Puts the newest hits first. By their date."""

    years: int = 3

    def __call__(self, hits: list[Hit]) -> list[Hit]:
        """Sorted."""
        return hits
'''
ENTRY_POINTS = """\
[ragbraid.components]
acme/newest = acme:Newest
acme/lacking = acme_lacking:Step
acme/broken = acme_broken:Step
acme/number = acme_number:NUMBER
"""


def plugin(folder: Path) -> dict[str, str]:
    """An environment with a plug-in installed, of which only one component is sound."""
    (folder / "acme.py").write_text(PLUGIN, "utf-8")
    (folder / "acme_lacking.py").write_text("import not_there.at_all\n", "utf-8")
    (folder / "acme_broken.py").write_text("raise RuntimeError('no luck')\n", "utf-8")
    (folder / "acme_number.py").write_text("NUMBER = 1\n", "utf-8")
    info = folder / "acme-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme\nVersion: 1.0\n", "utf-8")
    (info / "entry_points.txt").write_text(ENTRY_POINTS, "utf-8")
    return environment(PYTHONPATH=f"{ROOT / 'src'}{os.pathsep}{folder}")


def test_the_list() -> None:
    done = ragbraid("components")
    assert (done.returncode, done.stderr) == (0, "")
    same("components.txt", done.stdout)


def test_one_in_full() -> None:
    for name in ("dense", "sentence-transformer"):
        done = ragbraid("components", name)
        assert (done.returncode, done.stderr) == (0, "")
        same(f"components-{name}.txt", done.stdout)
    same("components-dense.json", ragbraid("components", "dense", "--json").stdout)


def test_the_list_as_json_has_every_type() -> None:
    listed = json.loads(ragbraid("components", "--json").stdout)
    assert {"dense", "faiss", "files", "testing/list-index"} <= {each["name"] for each in listed}
    assert {each["kind"] for each in listed} >= {"loader", "splitter", "index", "retriever", "answerer"}


def test_it_fits_a_narrow_terminal() -> None:
    done = ragbraid("components", env=environment(COLUMNS="40"))
    assert max(map(len, done.stdout.splitlines())) <= 40


def test_a_typo_is_met_with_the_nearest_name() -> None:
    says(ragbraid("components", "denze"), 2, "did you mean 'dense'?")
    says(ragbraid("components", "zzz"), 2, "There is no component type 'zzz'.")


def test_a_plug_ins_component_is_described_like_ours(tmp_path: Path) -> None:
    shown = ragbraid("components", "acme/newest", env=plugin(tmp_path)).stdout
    assert shown.startswith("acme/newest: a reranker\n\nPuts the newest hits first. By their date.\n")
    assert "  years  int, default 3\n" in shown
    assert "In a file: {type: acme/newest}\n" in shown


def test_a_plug_in_that_cannot_be_used_is_listed_with_the_reason(tmp_path: Path) -> None:
    env = plugin(tmp_path)
    listed = {each["name"]: each for each in json.loads(ragbraid("components", "--json", env=env).stdout)}
    assert listed["acme/newest"]["missing"] is None
    assert listed["acme/lacking"]["missing"] == "It needs not_there: pip install not-there."
    assert listed["acme/broken"]["missing"] == "It can't be imported: RuntimeError: no luck"
    assert listed["acme/number"]["missing"] == "It isn't a component: 1 is neither a class nor a function."
    done = ragbraid("components", "acme/lacking", env=env)
    assert (done.returncode, done.stdout) == (0, "acme/lacking\nIt needs not_there: pip install not-there.\n")


def test_a_component_whose_extra_is_not_installed_is_described_and_says_so() -> None:
    script = (
        "import importlib.util, sys\n"
        "real = importlib.util.find_spec\n"
        "importlib.util.find_spec = lambda name, *more: None if name == 'faiss' else real(name, *more)\n"
        "sys.modules['faiss'] = None\n"
        "from ragbraid.pipeline.describe import describe\n"
        "found = describe('faiss')\n"
        "print(found.kind, [each.name for each in found.settings], found.missing)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment(), capture_output=True, encoding="utf-8", check=True
    )
    told = "It needs faiss: pip install 'ragbraid[local]'."
    settings = ["path", "embedder", "structure", "recall", "device", "tokens", "sparse"]
    assert done.stdout == f"index {settings} {told}\n"
