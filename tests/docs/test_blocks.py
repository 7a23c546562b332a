"""Every code block of README.md, docs/ and examples/ runs, and prints what the page shows."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from types import ModuleType

import pytest
from blocks import OUTSIDE, Block, agrees, blocks, commands, write
from commandline import ragbraid
from demo import demo

from ragbraid.pipeline.check import check_file
from soaking import FULL

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = sorted((ROOT / "examples").glob("*/README.md"))
"""Pages that begin in their own folder."""
ELSEWHERE = {*(ROOT / "docs" / "how-to").glob("from-*.md")}
"""Pages whose blocks want a framework: the tests of its connector run them."""
PAGES = [ROOT / "README.md", *sorted({*(ROOT / "docs").glob("**/*.md")} - ELSEWHERE), *EXAMPLES]
LONG = {ROOT / "docs" / "how-to" / "wrong-answer.md", ROOT / "examples" / "handbook" / "README.md"}
"""Pages whose questions to real models take long, and that show what others do: run at full counts."""
EMPTY = {ROOT / "docs" / "tutorial.md"}
"""Pages that begin in an empty folder; the others find this project's documentation in theirs."""
RUN = PAGES if FULL else [each for each in PAGES if each not in LONG]
SHELL = re.compile(r"[|&;<>$`*~\n]")
"""What only a shell does; without it a command line is a command and its arguments."""
LANGUAGES = {"diff", "python", "yaml", "markdown", "console", "csv", "html", "sh", "text", "json", "mermaid"}


@pytest.mark.model
@pytest.mark.parametrize("page", RUN, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_blocks_run(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    if page in EXAMPLES:
        shutil.copytree(page.parent, tmp_path, dirs_exist_ok=True)
    elif page not in EMPTY:
        shutil.copytree(ROOT / "docs", tmp_path / "docs")
        shutil.copy(ROOT / "README.md", tmp_path)
    session = _Session()
    monkeypatch.setitem(sys.modules, "page", session.module)  # what a page defines can be found by name
    for block in blocks(page.read_text("utf-8")):
        session.run(block, f"{page.name}:{block.line}")


class _Session:
    """One page's folder and namespace, and the output that a `text` block may show."""

    def __init__(self) -> None:
        self.module = ModuleType("page")
        self.output: str | None = None
        self.counts = True

    def run(self, block: Block, place: str) -> None:
        assert block.lang in LANGUAGES, f"{place}: unknown language {block.lang!r}"
        write(block)
        output, self.output = self.output, None
        if block.lang == "python":
            self.output = self._python(block, place)
        elif block.lang == "text" and output is not None:
            # The demo reads these very pages, whose number grows with each of them.
            same = agrees(block.text, output, counts=self.counts)
            assert same, f"{place}: shown\n{block.text}\nprinted\n{output}"
        elif block.lang == "yaml" and block.text.startswith("ragbraid:"):
            _check(block, place)
        elif block.lang == "console":
            _console(block, place)
        elif block.lang == "sh" and block.text == "make demo\n":
            self.output, self.counts = demo(Path()), False
        elif block.lang == "sh":
            _dry(block, place)

    def _python(self, block: Block, place: str) -> str:
        code = compile("\n" * block.line + block.text, place.rpartition(":")[0], "exec")
        printed = StringIO()
        with redirect_stdout(printed):
            exec(code, self.module.__dict__)
        return printed.getvalue()


def _check(block: Block, place: str) -> None:
    file = Path(block.title or "block.yaml")
    file.write_text(block.text, "utf-8")
    assert [f"{place}: {each}" for each in check_file(file, env=False)] == []


def _console(block: Block, place: str) -> None:
    code = 0
    pairs = commands(block.text)
    for (command, shown), following in zip(pairs, [*pairs[1:], ("", "")], strict=True):
        if command == "echo $?":
            got, code = f"{code}", 0
        else:
            done = _shell(command)
            got, code = done.stdout, done.returncode
            assert code == 0 or following[0] == "echo $?", f"{place}: $ {command}\nexit code {code}\n{got}"
        assert agrees(shown, got), f"{place}: $ {command}\nshown\n{shown}\nprinted\n{got}"


def _shell(command: str) -> subprocess.CompletedProcess[str]:
    """Run a command as a reader would, with `python` and `ragbraid` being this interpreter's."""
    program, *arguments = shlex.split(command)
    if program == "ragbraid" and not SHELL.search(command):
        return ragbraid(*arguments, together=True)
    functions = f'python() {{ "{sys.executable}" "$@"; }}\nragbraid() {{ python -m ragbraid "$@"; }}'
    script = f"{functions}\n{command}"
    env = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    return subprocess.run(
        ["sh", "-c", script],
        env=env, text=True, encoding="utf-8", stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
    )  # fmt: skip


def _dry(block: Block, place: str) -> None:
    for line in filter(None, block.text.splitlines()):
        if line.startswith("make "):
            dry = [*line.partition(" #")[0].split(), "-n"]
            done = subprocess.run(dry, cwd=ROOT, check=False, capture_output=True)
            assert done.returncode == 0, f"{place}: {line}: {done.stderr.decode()}"
        else:
            assert line.startswith(OUTSIDE), f"{place}: {line!r} runs nowhere; use a console block"


def test_a_diff_changes_what_is_there_once(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text("a\nb\nc\n", "utf-8")
    write(Block("diff", str(file), " a\n-b\n+d\n+e\n", 1))
    assert file.read_text("utf-8") == "a\nd\ne\nc\n"
    with pytest.raises(AssertionError, match="0 times"):
        write(Block("diff", str(file), "-b\n+d\n", 1))


def test_shown_output_must_agree() -> None:
    assert agrees("a ... c\n", "a\nb\nc")
    assert not agrees("a\nb\n", "a\nc\n")
    assert commands("$ x \\\n  y\nout\n$ z\n") == [("x y", "out\n"), ("z", "")]
