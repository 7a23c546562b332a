"""A compiled graph that is kept: the same scores, and never a torn one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ragbraid.generate.openvino import OpenVino
from ragbraid.generate.protocol import Score
from ragbraid.models.openvino import core
from ragbraid.types import ModelName
from tiny_gguf import tiny_gguf


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModelName:
    monkeypatch.setenv("RAGBRAID_CONVERTED", str(tmp_path / "converted"))
    return ModelName(str(tiny_gguf(tmp_path / "tiny.gguf")))


def scored(model: ModelName, **settings: Any) -> list[Score]:
    runtime = OpenVino(model, context_tokens=512, cache_mb=8, **settings).open()
    try:
        return runtime.score("the water", ["abc", "th", "水"])
    finally:
        runtime.close()


def kept(tmp_path: Path) -> list[Path]:
    return sorted((tmp_path / "converted").rglob("*.blob"))


def test_a_kept_graph_scores_the_same(model: ModelName, tmp_path: Path) -> None:
    first = scored(model)
    (file,) = kept(tmp_path)
    written = file.stat().st_mtime_ns
    assert scored(model) == first
    assert scored(model, threads=1) == first
    assert kept(tmp_path) == [file]
    assert file.stat().st_mtime_ns == written


@pytest.mark.parametrize("harm", ["torn", "flipped", "empty", "foreign"])
def test_a_harmed_one_is_made_anew(model: ModelName, tmp_path: Path, harm: str) -> None:
    first = scored(model)
    (file,) = kept(tmp_path)
    whole = file.read_bytes()
    middle = len(whole) // 2
    file.write_bytes(
        {
            "torn": whole[:middle],
            "flipped": whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :],
            "empty": b"",
            "foreign": b"not a graph" * 100,
        }[harm]
    )
    assert scored(model) == first
    assert len(file.read_bytes()) == len(whole)


def test_other_properties_take_its_place(model: ModelName, tmp_path: Path) -> None:
    scored(model)
    before = kept(tmp_path)
    scored(model, precision="bf16")
    assert len(kept(tmp_path)) == 1
    assert kept(tmp_path) != before


def test_nothing_is_kept_where_nothing_can_be_written(
    model: ModelName, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(_path: Path) -> Any:
        raise PermissionError(13, "read-only")

    monkeypatch.setattr("ragbraid.models.compiled.replacing", refused)
    assert scored(model)
    assert kept(tmp_path) == []


def test_the_reader_says_how_many_threads(model: ModelName, tmp_path: Path) -> None:
    scored(model, threads=2)
    (file,) = kept(tmp_path)
    read = core().import_model(file.read_bytes()[32:], "CPU", {"INFERENCE_NUM_THREADS": 1})
    assert read.get_property("INFERENCE_NUM_THREADS") == 1
