"""A pipeline over a few notes, made of ragbraid's own stand-ins and its real index."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ragbraid import Pipeline

NOTES = {
    "office.md": "The office opens at nine. It closes at five on every weekday.",
    "rent.md": "The rent is due on the first Friday of a month.",
    "garden.md": "The garden needs water twice a week. Roses need more of it.",
    "cats.txt": "Cats sleep for most of the day.\n\nThey hunt at night.",
}
FILE = """\
ragbraid: 1
components:
  embedder: {type: testing/hash-embedder}
  index: {type: faiss, path: index, embedder: embedder}
  generator: {type: testing/echo-generator}
ingest:
  - {type: files}
  - {type: recursive-splitter, embedder: embedder}
  - index
search:
  - {id: dense, type: dense, index: index}
  - {id: lexical, type: lexical, index: index}
  - {type: rrf, hits: [dense, lexical]}
ask:
  - search
  - {type: quote, generator: generator, embedder: embedder}
"""


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("notes")
    (made / "ragbraid.yaml").write_text(FILE, "utf-8")
    for name, text in NOTES.items():
        (made / name).write_text(text, "utf-8")
    with Pipeline.load(made / "ragbraid.yaml") as pipeline:
        pipeline.ingest(str(made))
    return made


@pytest.fixture(scope="session")
def pipeline(folder: Path) -> Iterator[Pipeline]:
    with Pipeline.load(folder / "ragbraid.yaml") as opened:
        yield opened
