"""Fenced code blocks of a Markdown page, and how each kind is run.

- `python` is executed, all blocks of a page sharing one namespace; a `text` block right after it is
  its output.
- `yaml title="NAME"` (any language with a title) is written to NAME first; YAML that starts with
  `ragbraid:` is checked. `diff title="NAME"` changes a part of NAME.
- `console` holds `$ ` commands with their output below; each must exit with 0, unless the next
  command is `$ echo $?`, whose shown output is then its exit code.
- `sh` is for what the suite can't do to itself: `make` targets, whose dry run must succeed, and the
  commands of `OUTSIDE`. `make demo` is run, without its installing; a `text` block after it is its output.

In shown output `...` stands for anything, runs of white space count as one, and seconds may differ.
"""

from __future__ import annotations

import doctest
import re
from dataclasses import dataclass
from pathlib import Path

FENCE = re.compile(
    r"^(?P<indent> *)```(?P<lang>[\w-]*)[ ]*(?P<info>[^\n]*)\n(?P<body>.*?)^(?P=indent)```[ ]*$", re.M | re.S
)
_SECONDS = re.compile(r"\b\d+\.\d+ s\b")
_COUNTS = re.compile(r"\b\d+(?= (?:chunks|new|skipped|more)\b)|(?<=^skipped) +\d+", re.M)
OUTSIDE = ("git clone ", "cd ", "pip install ", "python3 -m venv ", ". .venv/bin/activate")


@dataclass(frozen=True)
class Block:
    """One fenced block: its language, title, text, and the line it starts at."""

    lang: str
    title: str
    text: str
    line: int


def blocks(page: str) -> list[Block]:
    """Every fenced block of the page, in order."""
    found = []
    for match in FENCE.finditer(page):
        title = re.search(r'title="([^"]+)"', match["info"])
        text = re.sub(f"^{match['indent']}", "", match["body"], flags=re.M)
        line = page.count("\n", 0, match.start()) + 1
        found.append(Block(match["lang"], title[1] if title else "", text, line))
    return found


def commands(console: str) -> list[tuple[str, str]]:
    """The commands of a `console` block, each with the output shown below it."""
    parts = re.split(r"^\$ ", console, flags=re.M)
    assert not parts[0].strip(), "a console block begins with a command"
    pairs = []
    for part in parts[1:]:
        head, _, shown = re.sub(r"\\\n\s*", "", part).partition("\n")
        pairs.append((head.strip(), shown))
    return pairs


def write(block: Block) -> None:
    """Bring the file that a block's title names into the state that the block shows."""
    if not block.title:
        return
    file = Path(block.title)
    if block.lang == "diff":
        lines = block.text.splitlines(keepends=True)
        before, after = ("".join(each[1:] for each in lines if each[0] in side) for side in (" -", " +"))
        text = file.read_text("utf-8")
        assert text.count(before) == 1, f"{file} has {text.count(before)} times\n{before}"
        file.write_text(text.replace(before, after), "utf-8")
    else:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(block.text, "utf-8")


def agrees(shown: str, got: str, *, counts: bool = True) -> bool:
    """Whether the output is the one that the page shows; how many files and chunks, if `counts`."""
    shown, got = (_SECONDS.sub("0.0 s", each) for each in (shown, got))
    if not counts:
        shown, got = (_COUNTS.sub("0", each) for each in (shown, got))
    checker = doctest.OutputChecker()
    options = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    return checker.check_output(shown.strip() + "\n", got.strip() + "\n", options)
