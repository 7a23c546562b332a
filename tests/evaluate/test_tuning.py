"""Weights and threshold fitted to questions: better than bad ones, and told by questions not fitted to."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from commandline import ROOT, ragbraid, says

from ragbraid import Pipeline
from ragbraid.errors import InputError, PipelineFileError
from ragbraid.evaluate.questions import read_questions
from ragbraid.evaluate.run import evaluate
from ragbraid.evaluate.tuning import tune

ISLAND = ROOT / "tests" / "data" / "island"
FILE = """\
ragbraid: 1
components:
  index: {type: faiss, path: index}
ingest:
  - {type: files}
  - {type: recursive-splitter, max_tokens: 80}
  - index
search:
  - {type: lexical, index: index, candidates: 30}
ask:
  - search
  - {type: quote, max_sentences: 1}
"""
STRANGE = [
    "Which opera did Verdi write first?", "How is a transistor doped?", "Who won the cup of 1998?",
    "What is the capital of Mongolia?", "How many moons has Jupiter?", "Which enzyme digests starch?",
]  # fmt: skip
Load = Callable[..., Pipeline]


@pytest.fixture
def load(tmp_path: Path) -> Load:
    (tmp_path / "ragbraid.yaml").write_text(FILE, "utf-8")
    shutil.copytree(ISLAND / "documents", tmp_path / "documents")
    rows = [json.loads(line) for line in (ISLAND / "questions.jsonl").read_text("utf-8").splitlines()]
    rows += [{"question": each, "answers": []} for each in STRANGE]
    (tmp_path / "questions.jsonl").write_text("".join(json.dumps(each) + "\n" for each in rows), "utf-8")
    with Pipeline.load(tmp_path / "ragbraid.yaml") as pipeline:
        pipeline.ingest(tmp_path / "documents")

    def load(**settings: Any) -> Pipeline:
        return Pipeline.load(
            tmp_path / "ragbraid.yaml", set={f"ask.quote.{k}": v for k, v in settings.items()}
        )

    return load


def test_bad_weights_are_mended(load: Load, tmp_path: Path) -> None:
    held = read_questions(tmp_path / "questions.jsonl")
    bad = {"rank": -3.0, "type": 4.0}
    with load(weights=bad) as pipeline:
        found = tune(pipeline, held)
        before = evaluate(pipeline, held).measures["contains"].value
    assert found.after[0] > found.before[0] + 0.1
    assert found.threshold is not None
    assert found.lost is not None
    assert found.lost <= 0.05
    with load(weights=found.weights, threshold=found.threshold) as pipeline:
        now = evaluate(pipeline, held).measures
    assert now["contains"].value > before
    assert now["refused"].value == found.refused
    assert now["answered"].value == pytest.approx(1 - found.lost)


def test_the_threshold_alone_decides_where_there_is_one(load: Load) -> None:
    for threshold, refused in ((0.0, False), (1.0, True)):
        with load(threshold=threshold, abstain="strict") as pipeline:
            assert pipeline.ask("When was the lighthouse lit?").abstained is refused
    with pytest.raises(PipelineFileError, match="there is no feature 'maxsin'"):
        load(weights={"maxsin": 1.0})


def test_what_cannot_be_tuned_is_told(load: Load, tmp_path: Path) -> None:
    held = read_questions(tmp_path / "questions.jsonl")
    with load() as pipeline, pytest.raises(InputError, match="and 20 are wanted"):
        tune(pipeline, held.first(9))
    (tmp_path / "ragbraid.yaml").write_text(FILE[: FILE.index("ask:")] + "ask: [search, {type: ./a.py:f}]\n")
    (tmp_path / "a.py").write_text(
        "from ragbraid.types import Answer, Hit\ndef f(hits: list[Hit]) -> Answer:\n    return Answer('x')\n"
    )
    other = Pipeline.load(tmp_path / "ragbraid.yaml", allow=[str(tmp_path / "a.py")])
    with other, pytest.raises(InputError, match="has no steps of type `quote`"):
        tune(other, held)


def test_by_command(load: Load, tmp_path: Path) -> None:
    done = ragbraid("tune", "answers", "questions.jsonl", cwd=tmp_path)
    assert done.returncode == 0, done
    assert "by cross-validation" in done.stdout
    assert "  weights: {overlap: " in done.stdout
    assert "  threshold: 0." in done.stdout
    says(ragbraid("tune", "answers", "questions.jsonl", "--limit", "5", cwd=tmp_path), 2, "20 are wanted")
