"""A check loads no weights, touches no network and writes nothing, whatever components a file has."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from language import HERE

from ragbraid import registry

ROOT = HERE.parents[1]
EVERY = """
ragbraid: 1
components:
  embedder: {type: sentence-transformer, model: all-minilm-l6-v2}
  splade: {type: sparse-encoder, model: naver/splade-v3}
  terms: {type: testing/hash-sparse}
  index: {type: faiss, path: made/index, embedder: embedder, sparse: splade}
  local: {type: local, model: smollm2-135m-instruct}
  llama: {type: llama-cpp, model: smollm2-135m-instruct}
  vino: {type: openvino, model: smollm2-135m-instruct}
  torch: {type: transformers, model: smollm2-135m-instruct}
  ternary: {type: bitnet, model: microsoft/bitnet-b1.58-2B-4T}
  moe: {type: openmoe, model: OrionZheng/openmoe-8b}
  remote: {type: openai, model: some, base_url: "http://127.0.0.1:9/v1"}
  bounded: {type: budget, generator: remote, tokens: 4000}
  echo: {type: testing/echo-generator}
  entails: {type: entailment, model: cross-encoder/nli-deberta-v3-small}
  hashed: {type: testing/hash-embedder}
  listed: {type: testing/list-index, embedder: hashed}
  fixed: {type: testing/fixed-splitter}
  remembered: {type: answer-cache, embedder: embedder}
  router: {type: semantic-router, embedder: embedder, routes: {hours: [when do you open]}, cache: made/routes}
  small: {type: parent-child, children: {type: sentences, embedder: embedder}, parents: {type: markdown}}
ingest:
  - {type: files}
  - {type: rows}
  - {type: web, urls: ["http://127.0.0.1:9/"]}
  - {type: sql, name: s, url: "postgresql://127.0.0.1:9/none", query: "SELECT 1", id: i}
  - type: by-format
    embedder: embedder
    markdown: small
    code: {type: code}
    tables: {type: table-rows}
    text: {type: recursive-splitter}
  - index
search:
  - {type: ./parts.py:rewrite}
  - {type: spelling, index: index}
  - {type: acronyms, index: index}
  - {type: dense, index: index}
  - {type: lexical, index: listed}
  - {type: sparse, index: index}
  - {id: pool, type: rrf, hits: [dense, lexical, sparse]}
  - {type: rm3, hits: pool, index: index}
  - {type: rocchio, hits: pool, index: index}
  - {type: bigrams, hits: pool}
  - {type: zscore, hits: [rm3, rocchio, bigrams]}
  - {type: weighted, hits: [zscore, pool]}
  - {type: cross-encoder, model: ms-marco-minilm-l6-v2}
  - {type: llm, generator: remote}
  - {type: maxsim, embedder: embedder}
  - {type: parents, index: index}
  - {type: near-duplicates}
  - {type: neighbours, index: index}
  - {type: recency}
  - {type: learned, weights: {recency: 1.0}}
  - {type: boost, field: kind, values: {manual: 1.0}}
  - {type: compress}
  - {type: mmr, index: index}
  - {type: lost-in-the-middle}
ask:
  - search
  - {type: quote, generator: local, embedder: embedder}
flows:
  routed:
    - {type: intents, router: router}
  named:
    - {type: intent, router: router}
  replied:
    - route: router
      to: {hours: {type: reply, text: now}}
      otherwise: {type: refuse}
  unaided:
    - {type: direct, generator: remote}
  called:
    - {type: tool, call: {type: ./parts.py:order_state}, generator: remote}
  written:
    - {type: prefill, generator: remote}
    - search
    - {type: cache-order}
    - {type: standalone, generator: local}
    - {type: memory, generator: local}
    - {type: compose, generator: remote, entailment: entails}
  parts:
    - {type: ./parts.py:words}
    - {map: written, over: words, at_most: 3}
    - {type: join, questions: words, answers: map}
  wider:
    inputs: {question: str, k: int, answer: answer, round: int}
    steps:
      - {type: widen}
      - {use: written, k: widen}
  further:
    - written
    - {repeat: wider, until: {type: enough}, at_most: 3, deadline: 5}
  gathered:
    - {type: ./parts.py:words}
    - {map: search, over: words, at_most: 3}
    - {type: interleave, hits: map}
  subquestions:
    - {type: hyde, generator: local, as: passage}
    - {id: imagined, type: dense, index: index, question: passage}
  filtered:
    - {type: metadata-filter, generator: local, fields: {year: int}}
    - {only: metadata-filter, then: [search]}
  known:
    - {cache: remembered, then: [replied]}
  chosen:
    - {agent: remote, tools: [search], at_most: 2, deadline: 9}
  worded:
    - {type: multi-query, generator: local}
  asked:
    - {type: decompose, generator: local}
"""


def watched(folder: Path, *arguments: str) -> list[str]:
    """What the watched check reports from a folder with nothing in it but the files to check."""
    done = subprocess.run(
        [sys.executable, str(HERE / "watched_check.py"), *arguments],
        cwd=folder, env={**os.environ, "PYTHONPATH": str(ROOT / "src")}, capture_output=True, text=True,
        check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "parts.py").write_text((HERE / "parts.py").read_text("utf-8"), "utf-8")
    (tmp_path / "every.yaml").write_text(EVERY.strip(), "utf-8")
    return tmp_path


def test_the_file_has_every_type_in_it() -> None:
    assert [each for each in registry.BUILTIN if f"type: {each}" not in EVERY] == []


@pytest.mark.parametrize("file", ["packaged", "every.yaml"])
def test_a_check_does_nothing_but_read(folder: Path, file: str) -> None:
    before = sorted(folder.rglob("*"))
    assert watched(folder, file) == []
    assert sorted(folder.rglob("*")) == before


def test_the_watch_sees_what_it_is_there_for(folder: Path) -> None:
    seen = watched(folder, "--try")
    assert [each.split()[0] for each in seen] == ["open", "os.mkdir", "socket.connect"]
