"""Twenty files and questions about them: the project's own island, and SQuAD where it is."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from commandline import ROOT

from soaking import FULL

ISLAND = ROOT / "tests" / "data" / "island"
DATA = Path(os.environ.get("RAGBRAID_DATA", ROOT / "data"))
NAMES = ("island", "squad")
SAMPLE = NAMES if FULL else NAMES[int((DATA / "squad").is_dir()) :][:1]
"""Both at full counts, else SQuAD where it is."""


@dataclass(frozen=True)
class Corpus:
    """A folder with the shipped pipeline as its ragbraid.yaml and `documents`, and what is asked of them."""

    folder: Path
    questions: list[dict[str, Any]]

    def text(self, source: str) -> str:
        """The file as it is on disk."""
        with (self.folder / source).open(encoding="utf-8", newline="") as file:
            return file.read()

    @property
    def sources(self) -> list[str]:
        return sorted(f"documents/{each.name}" for each in (self.folder / "documents").iterdir())


def write(name: str, folder: Path) -> Corpus:
    """Write a corpus into a new folder; skips the test where its data isn't there."""
    folder.mkdir()
    shutil.copyfile(ROOT / "pipelines" / "local.yaml", folder / "ragbraid.yaml")
    corpus = Corpus(folder, _island(folder) if name == "island" else _squad(folder))
    assert len(corpus.sources) == 20
    return corpus


def _island(folder: Path) -> list[dict[str, Any]]:
    shutil.copytree(ISLAND / "documents", folder / "documents")
    windows = folder / "documents" / "storm.txt"
    windows.write_bytes(windows.read_bytes().replace(b"\n", b"\r\n"))
    return _lines(ISLAND / "questions.jsonl")


def _squad(folder: Path) -> list[dict[str, Any]]:
    if not (DATA / "squad").is_dir():
        pytest.skip(f"{DATA} has no squad folder: set RAGBRAID_DATA to one that does")
    (folder / "documents").mkdir()
    rows = _lines(DATA / "squad" / "corpus.jsonl")[::3][:40]
    for number in range(20):
        text = "\n\n".join(row["text"] for row in rows[2 * number : 2 * number + 2])
        (folder / "documents" / f"{number:02}.txt").write_text(text, encoding="utf-8", newline="")
    there = {row["_id"] for row in rows}
    questions = _lines(DATA / "squad" / "questions.jsonl")
    return [each for each in questions if each["answers"] and each["paragraph"] in there][:100]


def _lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]
