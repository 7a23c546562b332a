"""`ragbraid parity`: every way gives the same answer, and one that doesn't is told."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from commandline import ragbraid

PIPELINE = """\
ragbraid: 1
components:
  index: {type: faiss, path: index}
ingest:
  - {type: files}
  - {type: recursive-splitter}
  - index
search:
  - {type: lexical, index: index}
ask:
  - search
  - {type: quote}
eval: {questions: questions.jsonl}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "ragbraid.yaml").write_text(PIPELINE, "utf-8")
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "office.md").write_text("The office opens at nine.\n", "utf-8")
    (tmp_path / "questions.jsonl").write_text('{"question": "When does the office open?"}\n', "utf-8")
    done = ragbraid("ingest", "notes", "--quiet", cwd=tmp_path)
    assert done.returncode == 0, done
    return tmp_path


def test_every_way_gives_the_same_answer(folder: Path) -> None:
    done = ragbraid("parity", "--json", cwd=folder)
    assert done.returncode == 0, done
    ways = {each["way"]: each for each in json.loads(done.stdout)["ways"]}
    for name in ("python", "stream", "command", "http"):
        assert (ways[name]["answers"], ways[name]["citations"], ways[name]["scores"]) == (1, 1, 1), ways[name]
    assert ways["langchain"]["missing"] == "not installed: langchain-ragbraid"


def test_nothing_ingested_is_said_first(tmp_path: Path) -> None:
    (tmp_path / "ragbraid.yaml").write_text(PIPELINE, "utf-8")
    done = ragbraid("parity", "questions.jsonl", cwd=tmp_path)
    assert done.returncode == 2
    assert "nothing has been ingested yet" in done.stderr
