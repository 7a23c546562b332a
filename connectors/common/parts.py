"""A small pipeline over three documents, without weights."""

from __future__ import annotations

from pathlib import Path

from ragbraid import Pipeline

FAKES = ["ragbraid.testing"]
HASH = {"type": "ragbraid.testing.hash_embedder:HashEmbedder"}
ECHO = {"type": "ragbraid.testing.echo_generator:EchoGenerator"}
FILE = """ragbraid: 1
components:
  index: {type: faiss, path: .ragbraid/index}
ingest:
  - {type: files}
  - {type: recursive-splitter}
  - index
search:
  - {type: lexical, index: index, candidates: 20}
ask:
  - search
  - {type: quote}
"""
TEXTS = {
    "leave.md": "---\nlang: en\nyear: 2024\n---\nEvery employee has 27 days of paid holiday a year.",
    "travel.md": "---\nlang: en\nyear: 2020\n---\nTrains are booked in second class.",
    "reise.md": "---\nlang: de\nyear: 2024\n---\nReisen nach Paris sind in der zweiten Klasse.",
}


def project(folder: Path) -> Path:
    """A folder with a pipeline file and an index of three documents; the file's path."""
    file = folder / "ragbraid.yaml"
    file.write_text(FILE, "utf-8")
    (folder / "docs").mkdir()
    for name, text in TEXTS.items():
        (folder / "docs" / name).write_text(text, "utf-8")
    with Pipeline.load(file) as pipeline:
        pipeline.ingest(folder / "docs")
    return file


def scripted(*answers: str) -> Pipeline:
    """A pipeline whose generator says these one after the other."""
    script = {"type": "ragbraid.testing.echo_generator:ScriptedGenerator", "answers": list(answers)}
    return Pipeline.build(components={"script": script, "hash": HASH}, flows={}, allow=FAKES)
