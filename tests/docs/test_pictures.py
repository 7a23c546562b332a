"""The pictures show what the commands print now, as far as that is the same on every machine."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
from blocks import agrees, blocks, commands

if sys.platform == "win32":
    pytest.skip("Windows has no pseudo-terminals.", allow_module_level=True)

from pictures import FOLDERS, ROOT, SCENES, Stage
from screen import picture, words

DRAWN = [(name, columns) for name in SCENES for columns in FOLDERS]


def _words(name: str, columns: int) -> str:
    return words((FOLDERS[columns] / f"{name}.svg").read_text("utf-8"))


def _shown(page: str, command: str) -> str:
    """What the first block of a page that runs this command shows."""
    consoles = [each.text for each in blocks((ROOT / page).read_text("utf-8")) if each.lang == "console"]
    return next(shown for each in consoles for run, shown in commands(each) if run == command)


@pytest.mark.parametrize(("name", "columns"), DRAWN)
def test_a_picture_is_of_its_command_and_of_no_machine(name: str, columns: int) -> None:
    svg = (FOLDERS[columns] / f"{name}.svg").read_text("utf-8")
    head, *lines = words(svg).split("\n")
    assert head == f"$ {SCENES[name].command}"
    assert lines
    assert max(map(len, lines)) <= columns
    assert not re.search(r"/(tmp|home|root|work|Users|private)\b", svg)
    assert not re.search(r"href|url\((?!#)|@import", svg)


@pytest.mark.parametrize("columns", FOLDERS)
@pytest.mark.parametrize("name", ["help", "check"])
def test_the_command_still_prints_its_picture(name: str, columns: int, tmp_path: Path) -> None:
    shown = Stage(tmp_path).show(SCENES[name], columns)
    assert words(picture(SCENES[name].command, shown, columns)) == _words(name, columns)


@pytest.mark.parametrize("columns", FOLDERS)
def test_the_answer_is_the_one_that_the_readme_shows(columns: int) -> None:
    _, _, answer = _words("ask", columns).partition("\n")
    assert agrees(_shown("README.md", SCENES["ask"].command), answer)


@pytest.mark.parametrize("columns", FOLDERS)
def test_the_bar_shows_count_rate_and_time_left(columns: int) -> None:
    assert re.search(r"━ +\d+/\d+  [\d.]+/(s|min)  \d+ (s|min) left +docs/", _words("ingest", columns))


@pytest.mark.parametrize("columns", FOLDERS)
def test_the_doctor_has_its_sections_and_the_command_that_mends(columns: int) -> None:
    drawn = _words("doctor", columns).split("\n")
    titles = re.findall(r"^[A-Z]\w+$", _shown("docs/commands.md", "ragbraid doctor"), re.M)
    assert {"System", "Packages", "Folders"} <= set(titles) <= set(drawn)
    assert drawn[-1].endswith("Run `ragbraid models get qwen3-8b`.")
