"""`ragbraid show` prints the pipeline in five forms."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from commandline import environment, ragbraid, says
from golden_files import same

FILES = {
    "tree": "show-local.txt", "mermaid": "show-local.mmd", "dot": "show-local.dot", "json": "show-local.json",
    "svg": "../../../docs/pictures/local.svg",
}  # fmt: skip


@pytest.mark.parametrize("form", FILES)
def test_the_default_pipeline(form: str, tmp_path: Path) -> None:
    done = ragbraid("show", "--format", form, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    same(FILES[form], done.stdout)


def test_json_and_svg_are_what_they_say(tmp_path: Path) -> None:
    shown = json.loads(ragbraid("show", "--json", cwd=tmp_path).stdout)
    assert [each["name"] for each in shown["flows"]] == ["ingest", "search", "ask"]
    drawn = ET.fromstring(ragbraid("show", "--format", "svg", cwd=tmp_path).stdout)
    assert drawn.tag.endswith("svg")


def test_an_override_is_seen(tmp_path: Path) -> None:
    done = ragbraid("show", "--set", "search.dense.candidates=7", cwd=tmp_path)
    assert "candidates=7" in done.stdout


def test_it_fits_a_narrow_terminal(tmp_path: Path) -> None:
    done = ragbraid("show", cwd=tmp_path, env=environment(COLUMNS="40"))
    assert done.returncode == 0
    assert max(map(len, done.stdout.splitlines())) <= 44  # a name and what it reads stay on one line


def test_a_wrong_file_is_told_like_check_does(tmp_path: Path) -> None:
    (tmp_path / "wrong.yaml").write_text("ragbraid: 1\nsearch:\n  - {type: densse}\n", "utf-8")
    says(ragbraid("show", "-p", "wrong.yaml", cwd=tmp_path), 2, "wrong.yaml:3:12", "did you mean 'dense'")
    says(ragbraid("show", "-p", "nowhere.yaml", cwd=tmp_path), 2, "There is no pipeline file")
    says(ragbraid("show", "--format", "png", cwd=tmp_path), 2, "--format", "svg")
