"""`ragbraid chat`: question after question, typed or piped in."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from commandline import environment

PIPELINE = """\
ragbraid: 1
search:
  - {type: ./talk.py:find}
ask:
  - search
  - {type: ./talk.py:Talk}
"""
CHAT = """\
chat:
  - search
  - {type: ./talk.py:Talk, name: chat}
"""
CODE = '''\
"""Says which turns it was told of."""

import time
from collections.abc import Iterator
from dataclasses import dataclass

from ragbraid.context import Context
from ragbraid.errors import GenerationError
from ragbraid.types import Answer, Delta, Hit, Message


def find(question: str, k: int) -> list[Hit]:
    """Finds nothing."""
    return []


@dataclass(frozen=True, slots=True)
class Talk:
    """Counts what was said."""

    name: str = "ask"

    def __call__(self, question: str, hits: list[Hit], history: list[Message], context: Context) -> Answer:
        *_, answer = self.stream(question, hits, history, context)
        return answer

    def stream(
        self, question: str, hits: list[Hit], history: list[Message], context: Context
    ) -> Iterator[Delta | Answer]:
        if "fail" in question:
            raise GenerationError("The generator fell silent.", "Try again.")
        turns = " ".join(f"{each.role[0]}:{each.content}" for each in history)
        text = f"{self.name} {question} after [{turns}]"
        yield Delta(text[:3])
        while "slow" in question:
            context.check()
            time.sleep(0.01)
        yield Delta(text[3:])
        yield Answer(text)
'''


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "ragbraid.yaml").write_text(PIPELINE, "utf-8")
    (tmp_path / "talk.py").write_text(CODE, "utf-8")
    return tmp_path


def chat(folder: Path, piped: str | bytes, *options: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-m", "ragbraid", "chat", "--allow", "talk.py", *options],
        cwd=folder, env=environment(), capture_output=True, check=False, timeout=120,
        input=piped if isinstance(piped, bytes) else piped.encode(),
    )  # fmt: skip
    return subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())


def test_each_piped_line_is_a_question_and_what_was_said_is_told(folder: Path) -> None:
    done = chat(folder, "Who?\n\n  Größe? \n/help")
    assert (done.returncode, done.stderr) == (0, "")
    first, second = "ask Who? after []", "ask Größe? after [u:Who? a:ask Who? after []]"
    third = f"ask /help after [u:Who? a:{first} u:Größe? a:{second}]"
    assert done.stdout == f"> Who?\n{first}\n\n> Größe?\n{second}\n\n> /help\n{third}\n\n"


def test_a_flow_named_chat_is_preferred(folder: Path) -> None:
    (folder / "ragbraid.yaml").write_text(PIPELINE + CHAT, "utf-8")
    assert "chat Who? after []" in chat(folder, "Who?\n").stdout


def test_as_json_each_answer_is_a_line(folder: Path) -> None:
    done = chat(folder, "Who?\nfail\nWhat?\n", "--json")
    assert (done.returncode, done.stderr) == (1, "")
    first, failed, last = (json.loads(line) for line in done.stdout.splitlines())
    assert first["text"] == "ask Who? after []"
    assert failed == {
        "error": "GenerationError", "message": "The generator fell silent.", "hint": "Try again.",
    }  # fmt: skip
    assert last["text"] == "ask What? after [u:Who? a:ask Who? after []]"


def test_where_one_question_fails_the_others_are_answered(folder: Path) -> None:
    done = chat(folder, "fail\nWho?\n")
    assert done.returncode == 1
    assert "ask Who? after []" in done.stdout
    assert done.stderr == "The generator fell silent. Try again.\n"
    assert chat(folder, "fail\n").returncode == 3


def test_nothing_piped_in_is_no_question(folder: Path) -> None:
    done = chat(folder, "\n \n")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_what_windows_writes_first_and_bytes_that_are_no_text(folder: Path) -> None:
    assert chat(folder, "\ufeffWho?\r\n").stdout.startswith("> Who?\nask Who? after []\n")
    done = chat(folder, b"Gr\xf6\xdfe \x1b[31m?\n")
    assert done.returncode == 0
    assert "Gr\ufffd\ufffde \ufffd[31m?" in done.stdout


def test_wrong_options_are_told_before_a_question_is_taken(folder: Path) -> None:
    done = chat(folder, "Who?\n", "--filter", "[]")
    assert (done.returncode, done.stdout) == (2, "")
    assert "--filter is not a JSON object" in done.stderr


if sys.platform != "win32":
    from terminal import Terminal

    @pytest.fixture
    def terminal(folder: Path) -> Terminal:
        terminal = Terminal("-m", "ragbraid", "chat", "--allow", "talk.py", cwd=folder)
        assert terminal.read_until(lambda seen: seen.rstrip().endswith(">")), terminal.seen
        return terminal

    def answered(terminal: Terminal, typed: str, wanted: str) -> None:
        """Type a line, and wait for what it brings and for the next prompt."""
        before = len(terminal.seen)
        terminal.type(typed)

        def is_there(seen: str) -> bool:
            return wanted in seen[before:] and seen.rstrip().endswith(">")

        assert terminal.read_until(is_there), terminal.seen

    def test_on_a_terminal(terminal: Terminal) -> None:
        answered(terminal, "Who?\n", "ask Who? after []")
        answered(terminal, "\n", "")
        answered(terminal, "What?\n", "ask What? after [u:Who? a:ask Who? after []]")
        answered(terminal, "/clear\n", "Forgotten.")
        answered(terminal, "Who?\n", "ask Who? after []")
        answered(terminal, "/help\n", "/quit   end")
        answered(terminal, "/hlep\n", "There is no command /hlep")
        answered(terminal, "fail\n", "The generator fell silent. Try again.")
        answered(terminal, "/etc is what?\n", "ask /etc is what? after")
        terminal.type("/quit\n")
        code, seen = terminal.end()
        assert code == 0
        assert "Ask what the documents of ragbraid say." in seen

    def test_ctrl_d_ends_it(terminal: Terminal) -> None:
        terminal.type("\x04")
        assert terminal.end()[0] == 0

    def test_ctrl_c_ends_an_answer_and_at_the_prompt_the_chat(terminal: Terminal) -> None:
        terminal.type("slow\n")
        assert terminal.read_until(lambda seen: seen.endswith("ask")), terminal.seen
        terminal.interrupt()
        assert terminal.read_until(lambda seen: "Stopped." in seen and seen.endswith("> ")), terminal.seen
        answered(terminal, "Who?\n", "ask Who? after []")  # what was stopped isn't remembered
        terminal.interrupt()
        code, seen = terminal.end()
        assert code == 130
        assert "Traceback" not in seen


def test_a_conversation_is_gone_on_with_listed_and_deleted(folder: Path) -> None:
    assert chat(folder, "Who?\n", "--conversation", "trip").returncode == 0
    gone_on = chat(folder, "What?\n", "--conversation", "trip").stdout
    assert "ask What? after [u:Who? a:ask Who? after []]" in gone_on
    assert "after []" in chat(folder, "What?\n", "--conversation", "other").stdout
    (other, trip) = json.loads(chat(folder, "", "--list", "--json").stdout)
    assert (other["name"], trip["name"], trip["turns"]) == ("other", "trip", 2)
    assert "trip  (2 turns)" in chat(folder, "", "--list").stdout
    assert chat(folder, "", "--delete", "trip").stderr == "Deleted trip.\n"
    again = chat(folder, "", "--delete", "trip")
    gone = "There is no conversation 'trip'. `ragbraid chat --list` lists them."
    assert (again.returncode, again.stderr.strip()) == (2, gone)
    both = chat(folder, "", "--list", "--delete", "trip")
    assert (both.returncode, "exclude each other" in both.stderr) == (2, True)
    assert chat(folder, "Who?\n", "--conversation", " ").returncode == 2
