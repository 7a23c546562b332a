"""A conversation through a pipeline's flow `chat`: what is searched for, and what the model is shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from ragbraid import Pipeline
from ragbraid.types import Message

DOCUMENTS = Path(__file__).parents[1] / "data" / "island" / "documents"
FILE = """\
ragbraid: 1
components:
  index: {type: faiss, path: made/index}
  generator: {type: testing/echo-generator}
ingest:
  - {type: files}
  - {type: recursive-splitter, max_tokens: 200}
  - index
search:
  - {type: lexical, index: index}
chat:
  - {type: standalone}
  - {type: memory, tokens: 60, summary: 40}
  - search
  - {type: compose, generator: generator, unsupported: keep}
ask:
  - chat
"""


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> Pipeline:
    folder = tmp_path_factory.mktemp("island")
    (folder / "ragbraid.yaml").write_text(FILE, "utf-8")
    made = Pipeline.load(folder / "ragbraid.yaml")
    made.ingest(DOCUMENTS)
    return made


def told(*texts: str) -> list[Message]:
    return [Message("assistant" if at % 2 else "user", text) for at, text in enumerate(texts)]


def test_a_follow_up_finds_what_the_conversation_is_about(pipeline: Pipeline) -> None:
    history = told("Who was the first keeper of the lighthouse?", "Tormod Aas.")
    answer = pipeline.run("chat", question="How long did he stay?", history=history)
    assert answer.hits[0].source.endswith("lighthouse.md")
    (span,) = (each for each in answer.trace if each.step.endswith("standalone"))
    assert span.notes["rewritten"]["why"] == "pronoun"
    assert "Tormod Aas" in span.notes["rewritten"]["question"]
    alone = pipeline.run("chat", question="How long did he stay?", history=[])
    assert not any(each.source.endswith("lighthouse.md") for each in alone.hits[:1])


def test_a_long_history_is_summed_up_and_ask_needs_none(pipeline: Pipeline) -> None:
    history = told(*["What does the ferry cost in winter?", "22 kroner for a car."] * 30)
    answer = pipeline.run("chat", question="And in summer?", history=history)
    (span,) = (each for each in answer.trace if each.step.endswith("memory"))
    assert span.notes["summed_up"] > 20
    assert pipeline.ask("When does the shop open?").hits[0].source.endswith("shop.txt")
