"""Every packaged pipeline makes a file to begin with."""

from __future__ import annotations

from pathlib import Path

import pytest

from ragbraid.pipeline.check import check
from ragbraid.pipeline.find import PipelineSource, packaged_names
from ragbraid.pipeline.starters import commands, starters


@pytest.mark.parametrize("name", packaged_names())
@pytest.mark.parametrize("model", [None, "./my model.gguf", "owner/it's"])
def test_what_is_written_is_right_and_names_the_users_folder(
    name: str, model: str | None, tmp_path: Path
) -> None:
    starter = starters()[name]
    text = starter.written("my docs", model)
    found = check(PipelineSource(text, name, tmp_path), env=True)
    assert [str(each) for each in found.diagnostics] == []
    assert "Copy it" not in text
    assert "ragbraid ingest 'my docs'" in commands(text)
    assert [line for line in text.splitlines() if len(line) > 130] == []
    if model is None or starter.model is None:
        assert text.partition("\nragbraid: 1\n")[2] == starter.text.partition("\nragbraid: 1\n")[2]
    else:
        assert found.pipeline is not None
        held = {getattr(each, "model", "") for each in found.pipeline.components.values()}
        assert model in held or str(tmp_path / model) in held
        assert starter.model not in text


def test_a_model_from_elsewhere_is_fetched_and_a_path_is_not() -> None:
    local = starters()["local"]
    assert commands(local.written("docs", "owner/other"))[0] == (
        "ragbraid models get all-minilm-l6-v2 owner/other"
    )
    assert commands(local.written("docs", "~/mine.gguf"))[0] == "ragbraid models get all-minilm-l6-v2"
    assert commands(local.written("docs"))[0] == (
        "ragbraid models get all-minilm-l6-v2 smollm2-135m-instruct"
    )


def test_the_default_comes_first() -> None:
    assert next(iter(starters())) == "local"
    assert all(each.description for each in starters().values())
