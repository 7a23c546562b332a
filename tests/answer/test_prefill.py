"""The beginning of a prompt, read while the search runs."""

from __future__ import annotations

from pathlib import Path

from ragbraid.answer.compose import Compose
from ragbraid.answer.prefill import Prefill, Prefilled
from ragbraid.context import Context
from ragbraid.pipeline.pipeline import Pipeline
from ragbraid.testing.answerer import DOCUMENTS, hits_of
from ragbraid.testing.echo_generator import ScriptedGenerator
from ragbraid.types import Message

TURNS = [Message("user", "Hello"), Message("assistant", "Hi")]
FILE = """
ragbraid: 1
components:
  index: {type: testing/list-index}
  generator: {type: testing/echo-generator}
ingest:
  - {type: files, include: ["*.txt"]}
  - {type: testing/fixed-splitter}
  - index
search:
  - {type: lexical, index: index}
  - {type: ./slow.py:slowly, hits: lexical}
ask:
  - {type: prefill, generator: generator}
  - search
  - {type: compose, generator: generator, unsupported: keep}
"""
SLOW = """
import time


def slowly(hits: list["ragbraid.Hit"]) -> list["ragbraid.Hit"]:
    time.sleep(0.3)
    return hits
"""


def test_it_is_what_the_prompt_begins_with() -> None:
    generator = ScriptedGenerator(("x", "Water boils [1].")).open()
    assert Prefill(generator)(Context(), TURNS) == Prefilled(51)
    Compose(generator)("When does water boil?", hits_of(DOCUMENTS), Context(), TURNS)
    first, whole = (each.prompt for each in generator.requests)
    assert first[:-1] == whole[:-1]
    assert whole[-1].content.startswith(first[-1].content)  # type: ignore[union-attr]
    assert generator.requests[0].max_tokens == 1


def test_it_runs_beside_the_search_and_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("Water boils.")
    (tmp_path / "slow.py").write_text(
        SLOW.replace('"ragbraid.Hit"', "Hit").replace(
            "import time", "import time\nfrom ragbraid.types import Hit"
        )
    )
    file = tmp_path / "ragbraid.yaml"
    answers = []
    for text in (FILE, FILE.replace("  - {type: prefill, generator: generator}\n", "")):
        file.write_text(text)
        with Pipeline.load(file, allow=[str(tmp_path / "slow.py")]) as pipeline:
            pipeline.ingest([str(tmp_path / "a.txt")])
            answers.append(pipeline.ask("water"))
    assert answers[0].text == answers[1].text
    spans = {each.step: each for each in answers[0].trace}
    slow = next(each for name, each in spans.items() if name.endswith("slowly"))
    assert spans["prefill"].start_ms < slow.start_ms + slow.ms


def test_what_fails_is_left_to_the_answer() -> None:
    context = Context()
    assert Prefill(ScriptedGenerator(()).open())(context) == Prefilled(0)
    assert "failed" in context.notes
    assert Prefill(ScriptedGenerator(("x",), context_window=9).open())(Context()) == Prefilled(0)
