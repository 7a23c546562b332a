"""What `ragbraid export --to llama-index` writes answers as the pipeline itself."""

from __future__ import annotations

import runpy
from pathlib import Path

import exported
import pytest
from llama_index_ragbraid import answer_of

from ragbraid.exchange.exporting.llama_index import llama_index


@pytest.mark.parametrize("kind", exported.FILES)
async def test_it_answers_as_the_pipeline(kind: str, tmp_path: Path) -> None:
    file = exported.pipeline_file(tmp_path, exported.FILES[kind])
    (tmp_path / "engine.py").write_text(llama_index(exported.chain(file)), "utf-8")
    engine = runpy.run_path(str(tmp_path / "engine.py"))["query_engine"]
    wanted = exported.asked(file)
    for question, answer in zip(exported.QUESTIONS, wanted, strict=True):
        assert answer_of(engine.query(question)) == answer
    assert answer_of(await engine.aquery(exported.QUESTIONS[0])) == wanted[0]
