"""What `ask` and `search` print, exactly, with a pipeline whose answer is known beforehand."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from commandline import environment, ragbraid, says

PIPELINE = """\
ragbraid: 1
search:
  - {type: ./known.py:find}
ask:
  - search
  - {type: ./known.py:Say}
"""
CODE = '''\
"""A search and an answer that are known beforehand."""

import time
from collections.abc import Iterator
from dataclasses import dataclass

from ragbraid.context import Context
from ragbraid.errors import GenerationError
from ragbraid.types import Answer, Citation, Delta, Hit

TEXT = "Parental leave is 14 months.\\nTell the \\x1b[31moffice."


def find(question: str, k: int) -> list[Hit]:
    """Finds the same two passages always."""
    first = Hit("1", "docs/leave.md", 0, 28, TEXT[:28], 0.75, {"find": 0.75}, page=2)
    return [first, Hit("2", "docs/leave.md", 29, len(TEXT), TEXT[29:], 0.5)][:k]


@dataclass(frozen=True, slots=True)
class Say:
    """Says the same always; or fails, or takes its time."""

    def __call__(self, question: str, hits: list[Hit], context: Context) -> Answer:
        *_, answer = self.stream(question, hits, context)
        return answer

    def stream(self, question: str, hits: list[Hit], context: Context) -> Iterator[Delta | Answer]:
        yield Delta("Parental leave ")
        if "fail" in question:
            raise GenerationError("The generator fell silent.", "Try again.")
        if "deaf" in question:
            time.sleep(20)
        while "slow" in question:
            context.check()
            time.sleep(0.01)
        yield Delta("is 14 months.")
        if "by heart" in question:
            yield Answer(TEXT[:28], hits=tuple(hits))
            return
        quote = Citation("docs/leave.md", 0, 28, TEXT[:28], "00ff", 2, "1")
        yield Answer(TEXT[:28], "14 months", confidence=0.9, citations=(quote,), hits=tuple(hits))
'''
ALLOW = ("--allow", "known.py")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "ragbraid.yaml").write_text(PIPELINE, "utf-8")
    (tmp_path / "known.py").write_text(CODE, "utf-8")
    return tmp_path


def test_ask_prints_text_short_answer_and_sources(folder: Path) -> None:
    done = ragbraid("ask", "How long?", *ALLOW, cwd=folder)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == (
        "Parental leave is 14 months.\n"
        "\n"
        "In short: 14 months\n"
        "\n"
        "Sources\n"
        "[1] docs/leave.md, page 2, characters 0–28\n"
        "    Parental leave is 14 months.\n"
    )


def test_ask_prints_the_answer_as_json_alone(folder: Path) -> None:
    done = ragbraid("ask", "How long?", "--json", *ALLOW, cwd=folder)
    answer = json.loads(done.stdout)
    assert (done.returncode, done.stderr) == (0, "")
    assert list(answer) == [
        "schema", "text", "short", "short_citation", "abstained", "confidence", "citations", "hits",
        "usage", "trace",
    ]  # fmt: skip
    assert answer["schema"] == 1
    assert answer["citations"] == [
        {
            "source": "docs/leave.md", "start": 0, "end": 28, "quote": "Parental leave is 14 months.",
            "content_hash": "00ff", "page": 2, "chunk_id": "1",
                "line": None, "last_line": None,
        }
    ]  # fmt: skip


def test_search_prints_passages(folder: Path) -> None:
    done = ragbraid("search", "How long?", *ALLOW, cwd=folder)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == (
        "1. docs/leave.md, page 2, characters 0–28, score 0.750\n"
        "Parental leave is 14 months.\n"
        "\n"
        "2. docs/leave.md, characters 29–50, score 0.500\n"
        "Tell the \ufffd[31moffice.\n"
        "\n"
    )


def test_search_prints_hits_as_json_alone(folder: Path) -> None:
    done = ragbraid("search", "How long?", "-k", "1", "--json", *ALLOW, cwd=folder)
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout) == [
        {
            "id": "1", "source": "docs/leave.md", "start": 0, "end": 28,
            "text": "Parental leave is 14 months.", "score": 0.75, "scores": {"find": 0.75}, "metadata": {},
            "page": 2, "collection": "default", "content_hash": "", "line": None, "page_breaks": [],
        }
    ]  # fmt: skip


def test_code_of_a_pipeline_runs_only_where_it_is_allowed(folder: Path) -> None:
    says(ragbraid("ask", "How long?", cwd=folder), 2, "--allow")


def test_a_failure_is_a_sentence_even_after_the_first_words(folder: Path) -> None:
    done = ragbraid("ask", "fail", *ALLOW, cwd=folder)
    assert (done.returncode, done.stdout) == (3, "Parental leave \n")
    assert done.stderr == "The generator fell silent. Try again.\n"
    for options in ((), ("--record", "kept.json")):
        done = ragbraid("ask", "fail", "--json", *options, *ALLOW, cwd=folder)
        assert (done.returncode, done.stderr) == (3, "The generator fell silent. Try again.\n")
        assert json.loads(done.stdout) == {
            "error": "GenerationError", "message": "The generator fell silent.", "hint": "Try again.",
        }  # fmt: skip


def test_a_timeout_is_kept(folder: Path) -> None:
    begun = time.monotonic()
    done = ragbraid("ask", "slow", "--timeout", "0.3", *ALLOW, cwd=folder)
    assert done.returncode == 3
    assert "time" in done.stderr
    assert "Traceback" not in done.stderr
    assert time.monotonic() - begun < 10


@pytest.mark.skipif(sys.platform == "win32", reason="Windows sends no SIGINT to another process.")
def test_words_come_as_they_are_made_and_ctrl_c_ends_them(folder: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "ragbraid", "ask", "slow", *ALLOW],
        cwd=folder, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    words = process.stdout.read(len("Parental leave "))
    begun = time.monotonic()
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert words == b"Parental leave "
    assert (process.returncode, out.strip(), err) == (130, b"", b"")
    assert time.monotonic() - begun < 3


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pseudo-terminals.")
@pytest.mark.parametrize("times", [1, 20])
def test_on_a_terminal_too(folder: Path, times: int) -> None:
    from terminal import Terminal

    terminal = Terminal("-m", "ragbraid", "ask", "slow", *ALLOW, cwd=folder)
    assert terminal.read_until(lambda seen: seen.rstrip().endswith("Parental leave")), terminal.seen
    assert terminal.process.poll() is None  # the answer hasn't ended, and its words are there
    for _ in range(times):
        terminal.interrupt()
    code, seen = terminal.end()
    assert code == 130, seen
    assert seen.strip() == "Parental leave"


def test_an_answer_that_cites_nothing_says_so(folder: Path) -> None:
    done = ragbraid("ask", "by heart", "--allow", "known.py", cwd=folder)
    assert (done.returncode, done.stdout) == (0, "Parental leave is 14 months.\n")
    assert done.stderr == "No passage is cited for this.\n"


@pytest.mark.parametrize("option", ["--json", "--trace"])
def test_a_step_that_cant_be_stopped_is_named(folder: Path, option: str) -> None:
    done = ragbraid("ask", "deaf", "--timeout", "0.2", option, "--allow", "known.py", cwd=folder)
    assert done.returncode == 3
    assert "The step 'Say' can't be stopped, and runs on." in done.stderr
