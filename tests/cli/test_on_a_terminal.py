"""What a terminal shows: lines that fit it, colours where they are wanted, commands that can be copied."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from test_bad_input import WORDS

if sys.platform == "win32":
    pytest.skip("Windows has no pseudo-terminals.", allow_module_level=True)

from terminal import Terminal

from ragbraid import Pipeline
from ragbraid.cli import progress

RED = "\x1b[31m"
NO_MODEL = WORDS.replace(
    "path: .ragbraid/index",
    "path: .ragbraid/index, embedder: {type: sentence-transformer, model: nobody/no-model}",
)


def show(folder: Path, *arguments: str, columns: int, **env: str) -> tuple[str, list[str]]:
    """All that was written with its codes, and the lines without."""
    terminal = Terminal("-m", "ragbraid", *arguments, cwd=folder, columns=columns, env=env)
    _, seen = terminal.end()
    return terminal.seen, seen.replace("\r", "").splitlines()


@pytest.mark.parametrize("columns", [40, 80, 120])
def test_mistakes_of_a_file_are_broken_between_words(tmp_path: Path, columns: int) -> None:
    wrong = WORDS.replace("type: lexical", "type: lexicl").replace("index: index,", "index: indx,")
    (tmp_path / "ragbraid.yaml").write_text(wrong, "utf-8")
    written, lines = show(tmp_path, "check", "-p", "ragbraid.yaml", columns=columns, NO_COLOR="")
    assert lines[0].startswith("ragbraid.yaml:9:")
    assert max(map(len, lines)) <= columns
    assert "did you mean 'lexical'?" in " ".join(each.strip() for each in lines)
    assert RED in written
    written, without = show(tmp_path, "check", "-p", "ragbraid.yaml", columns=columns, NO_COLOR="1")
    assert without == lines
    assert "\x1b" not in written


def test_the_doctors_command_is_in_one_piece_and_home_is_a_tilde(tmp_path: Path) -> None:
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "ragbraid.yaml").write_text(NO_MODEL, "utf-8")
    _, lines = show(tmp_path / "notes", "doctor", columns=40, HOME=str(tmp_path))
    assert lines[-1].strip().strip(".") == "`ragbraid models get nobody/no-model`"
    assert "Pipeline ~/notes/ragbraid.yaml" in lines
    assert any(each.startswith("index") and "~/notes/.ragbraid/index" in each for each in lines)


def test_an_answer_and_its_sources_are_broken_between_words(tmp_path: Path) -> None:
    (tmp_path / "ragbraid.yaml").write_text(WORDS + "ask:\n  - search\n  - {type: quote}\n", "utf-8")
    sentence = "Parental leave is fourteen months, and it is shared between both of the parents."
    (tmp_path / "leave.md").write_text(f"{sentence}\n", "utf-8")
    show(tmp_path, "ingest", "leave.md", columns=80)
    _, lines = show(tmp_path, "ask", "How long is parental leave?", columns=40)
    assert max(map(len, lines)) <= 40
    at = lines.index("Sources")
    assert " ".join(lines[: at - 1]) == sentence
    assert " ".join(each.strip() for each in lines[at + 2 :]) == sentence
    assert all(each.startswith("    ") for each in lines[at + 2 :])


def test_long_words_and_tables_fit_a_narrow_terminal(tmp_path: Path) -> None:
    (tmp_path / "ragbraid.yaml").write_text(WORDS + "ask:\n  - search\n  - {type: quote}\n", "utf-8")
    name = "a-folder-of-a-long-name/and-another-one/leave.md"
    (tmp_path / name).parent.mkdir(parents=True)
    (tmp_path / name).write_text("Parental leave is fourteen months, for both parents.\n", "utf-8")
    show(tmp_path, "ingest", name.partition("/")[0], columns=80)
    calls = (("search", "leave"), ("source", "show", name), ("ask", "leave?", "--why"), ("status",))
    for arguments in calls:
        _, lines = show(tmp_path, *arguments, columns=40)
        lines = lines[: lines.index("Text")] if "Text" in lines else lines
        assert [each for each in lines if len(each) > 40 and name not in each] == []
        if arguments[0] == "source":
            at = next(n for n, each in enumerate(lines) if each == "sha256")
            assert [each[:2] for each in lines[at + 1 : at + 3]] == ["  ", "  "]
        if arguments[0] == "ask":
            assert any("overlap=" in each for each in lines)


def test_what_takes_its_time_is_told_and_taken_away(tmp_path: Path) -> None:
    (tmp_path / "ragbraid.yaml").write_text(WORDS, "utf-8")
    (tmp_path / "leave.md").write_text("Parental leave is fourteen months.\n", "utf-8")
    show(tmp_path, "ingest", "leave.md", columns=80)
    calls = {("search", "leave"): "Searching …", ("index", "check"): "Comparing every byte …"}
    for arguments, told in calls.items():
        written, lines = show(tmp_path, *arguments, columns=80)
        assert f"{told}\x1b[2K\r" in written
        assert not any(told in each for each in lines)
    written, _ = show(tmp_path, "search", "leave", "--json", columns=80)
    assert "…" not in written


def test_the_weights_that_are_loaded_are_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    with Pipeline.load() as pipeline:
        assert progress.loading(pipeline, "search") == "Loading all-minilm-l6-v2 …"
        assert "smollm2-135m-instruct" in progress.loading(pipeline, "ask")
