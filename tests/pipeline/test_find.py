"""Paths of a pipeline are told as people would write them."""

from __future__ import annotations

from pathlib import Path

import pytest

from ragbraid import Pipeline
from ragbraid.pipeline.find import find, tidied

FILE = """\
ragbraid: 1
components:
  index: {type: faiss, path: ../kept}
search: [{type: lexical, index: index}]
"""


def test_an_index_beside_a_file_above_has_a_plain_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = tmp_path / "a" / "here"
    here.mkdir(parents=True)
    (tmp_path / "a" / "l.yaml").write_text(FILE, "utf-8")
    monkeypatch.chdir(here)
    assert find("../l.yaml").base == tmp_path / "a"
    with Pipeline.load("../l.yaml") as pipeline:
        assert pipeline.status().path == tmp_path / "kept"


def test_above_a_link_is_where_it_leads(tmp_path: Path) -> None:
    (tmp_path / "real" / "inner").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "real" / "inner", target_is_directory=True)
    for written, meant in (("link/../x", "link/../x"), ("real/../x", "x"), ("link/../../y", "link/../../y")):
        assert tidied(tmp_path / written) == tmp_path / meant
        assert tidied(tmp_path / written).resolve() == (tmp_path / written).resolve()
    assert tidied(Path("/../x")) == Path("/x").absolute()
