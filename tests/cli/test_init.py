"""`ragbraid init` writes a file that is right, and never over another."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from commandline import environment, ragbraid, says
from terminal import Terminal

from ragbraid.pipeline.check import check_file

WROTE = """\
ragbraid.yaml is written. Dense and lexical search over local files, answered in
verified quotes.

Next:

  ragbraid models get all-minilm-l6-v2 smollm2-135m-instruct
  ragbraid ingest docs
  ragbraid ask "How do I …?"
"""


def test_yes_writes_the_default_and_says_what_comes_next(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    done = ragbraid("init", "--yes", cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, WROTE, "")
    assert check_file(tmp_path / "ragbraid.yaml") == []
    assert ragbraid("check", cwd=tmp_path).returncode == 0


def test_json(tmp_path: Path) -> None:
    done = ragbraid("init", "--yes", "--json", cwd=tmp_path)
    said = json.loads(done.stdout)
    assert (said["file"], said["pipeline"], said["folder"]) == ("ragbraid.yaml", "local", ".")
    assert said["next"][1] == "ragbraid ingest ."


@pytest.mark.parametrize(
    ("folders", "files", "likely"),
    [
        (["texts"], [], "texts"),
        (["texts", ".git"], [".gitignore", "ragbraid.yaml"], "texts"),
        (["texts", "docs"], ["a.md"], "docs"),
        (["-x"], [], "./-x"),
        (["texts"], ["a.md"], "."),
        (["texts", "more"], [], "."),
        ([], ["a.md"], "."),
    ],
)
def test_it_names_the_folder_that_the_documents_are_in(
    folders: list[str], files: list[str], likely: str, tmp_path: Path
) -> None:
    for name in folders:
        (tmp_path / name).mkdir()
    for name in files:
        (tmp_path / name).touch()
    done = ragbraid("init", "--yes", "--force", cwd=tmp_path)
    assert f"  ragbraid ingest {likely}\n" in done.stdout


def test_a_file_that_is_there_is_kept_unless_force_is_given(tmp_path: Path) -> None:
    file = tmp_path / "ragbraid.yaml"
    file.write_text("mine\n", "utf-8")
    says(ragbraid("init", "--yes", cwd=tmp_path), 2, "already", "--force")
    assert file.read_text("utf-8") == "mine\n"
    assert ragbraid("init", "--yes", "--force", cwd=tmp_path).returncode == 0
    assert check_file(file) == []
    assert [each.name for each in tmp_path.iterdir()] == ["ragbraid.yaml"]


def test_of_many_at_once_one_writes(tmp_path: Path) -> None:
    commands = [
        subprocess.Popen(
            [sys.executable, "-m", "ragbraid", "init", "--yes"],
            cwd=tmp_path, env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )
        for _ in range(4)
    ]  # fmt: skip
    assert sorted(each.wait(60) for each in commands) == [0, 2, 2, 2]
    assert check_file(tmp_path / "ragbraid.yaml") == []


def test_without_a_terminal_it_asks_nothing(tmp_path: Path) -> None:
    says(ragbraid("init", cwd=tmp_path), 2, "no terminal", "--yes")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(sys.platform == "win32", reason="it opens a pseudo-terminal")
class TestOnATerminal:
    def test_three_answers_make_the_file(self, tmp_path: Path) -> None:
        terminal = _Answered(tmp_path)
        terminal.answer("Which folder holds your documents? [.]", "my texts")
        assert "There is no folder my texts yet" in terminal.answer("Which kind of pipeline? [local]", "locl")
        terminal.answer("did you mean 'local'?", "1")
        terminal.answer("Which model writes? [smollm2-135m-instruct]", "smollm2-135m")
        terminal.answer("did you mean 'smollm2-135m-instruct'?", "./mine.gguf")
        code, shown = terminal.end()
        assert code == 0
        assert "There is no file ./mine.gguf yet" in shown
        assert "ragbraid ingest 'my texts'" in shown
        text = (tmp_path / "ragbraid.yaml").read_text("utf-8")
        assert "generator: {type: local, model: ./mine.gguf}" in text
        assert check_file(tmp_path / "ragbraid.yaml") == []

    def test_enter_takes_what_yes_takes(self, tmp_path: Path) -> None:
        (tmp_path / "docs").mkdir()
        terminal = _Answered(tmp_path)
        for question in ("documents? [docs]", "pipeline? [local]", "writes? [smollm2-135m-instruct]"):
            terminal.answer(question, "")
        code, shown = terminal.end()
        assert code == 0
        assert shown.replace("\r", "").endswith(WROTE)

    def test_the_end_of_the_input_writes_nothing(self, tmp_path: Path) -> None:
        terminal = _Answered(tmp_path)
        terminal.answer("documents?", "")
        terminal.answer("pipeline?", "\x04", ending="")
        code, shown = terminal.end()
        assert code == 130
        assert "Nothing was written." in shown
        assert list(tmp_path.iterdir()) == []

    def test_an_interrupt_writes_nothing(self, tmp_path: Path) -> None:
        terminal = Terminal("-m", "ragbraid", "init", cwd=tmp_path)
        assert terminal.read_until(lambda seen: "documents?" in seen)
        terminal.interrupt()
        code, shown = terminal.end()
        assert code == 130
        assert "Traceback" not in shown
        assert list(tmp_path.iterdir()) == []


class _Answered:
    """`ragbraid init` on a terminal, answered question by question."""

    def __init__(self, folder: Path) -> None:
        self._terminal = Terminal("-m", "ragbraid", "init", cwd=folder)
        self._read = 0

    def answer(self, question: str, answer: str, ending: str = "\n") -> str:
        """Wait for the question and the prompt after it; returns what was shown since the last answer."""

        def asked(seen: str) -> bool:
            place = seen.find(question, self._read)
            return place >= 0 and seen.endswith("]: ")

        assert self._terminal.read_until(asked), self._terminal.seen
        shown, self._read = self._terminal.seen[self._read :], len(self._terminal.seen)
        self._terminal.type(answer + ending)
        return shown

    def end(self) -> tuple[int, str]:
        return self._terminal.end()
