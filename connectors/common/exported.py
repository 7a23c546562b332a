"""Pipelines that a connector's exported file or script must answer as."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from parts import FILE, project

from ragbraid import Answer, Pipeline
from ragbraid.exchange.exporting.chain import Chain, chain_of
from ragbraid.pipeline.find import find

_HEAD = """ragbraid: 1
components:
  embedder: {type: testing/hash-embedder}
  index: {type: faiss, path: .ragbraid/hashed, embedder: embedder}
ingest:
  - {type: files}
  - {type: recursive-splitter}
  - index
"""
HASHED = (
    _HEAD
    + """search:
  - {type: dense, index: index, candidates: 20}
  - {id: pairs, type: bigrams, hits: hits}
  - {type: maxsim, embedder: embedder}
ask:
  - search
  - {id: cited, type: quote, max_sentences: 2}
"""
)
FUSED = (
    _HEAD
    + """search:
  - {type: dense, index: index}
  - {type: lexical, index: index}
  - {type: rrf, hits: [dense, lexical]}
ask:
  - search
  - {type: near-duplicates}
  - {type: compose, generator: {type: testing/echo-generator}, unsupported: keep}
"""
)
WHOLE = FILE.replace("  - search\n", "  - {type: lexical, index: index, operators: 'on'}\n")
FILES = {"words": FILE, "meaning": HASHED, "search": FUSED, "pipeline": WHOLE}
"""A pipeline for each way that a chain can begin."""
QUESTIONS = (
    "How many days of holiday are there?",
    "Which class are trains booked in?",
    "barn?",
    "Reisen nach Paris",
)


def pipeline_file(folder: Path, text: str) -> Path:
    """The file of a pipeline of that text, with three documents in its index."""
    file = project(folder)
    file.write_text(text, "utf-8")
    with Pipeline.load(file) as pipeline:
        pipeline.ingest(folder / "docs")
    return file


def chain(file: Path) -> Chain:
    """What is exported of a file."""
    return chain_of(find(file))


def asked(file: Path) -> list[Answer]:
    """The answers of the file itself, without their traces."""
    with Pipeline.load(file) as pipeline:
        return [untraced(pipeline.ask(each)) for each in QUESTIONS]


def untraced(answer: Answer) -> Answer:
    """What of an answer crosses to another framework."""
    return replace(answer, trace=())
