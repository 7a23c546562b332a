"""What a terminal shows after a program has written to it, and a picture of that."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from html import unescape
from itertools import groupby
from typing import TypeAlias

import pyte
from pyte.screens import Char
from rich.console import Console
from rich.style import Style
from rich.text import Text

Lines: TypeAlias = list[Text]

_TALL = 200
"""Lines of the screen: more than any picture has, so that nothing scrolls away."""


def screen(written: str, columns: int) -> Lines:
    """The lines that a terminal of this width shows, from the text and the control codes written to it."""
    terminal = pyte.Screen(columns, _TALL)
    # The emulator has no faint text; bright black is what most terminals make of it.
    pyte.Stream(terminal).feed(written.replace("\x1b[2m", "\x1b[90m"))
    lines = [_line(terminal.buffer[row], columns) for row in range(_TALL)]
    while lines and not lines[-1].plain:
        lines.pop()
    return lines


def _line(cells: Mapping[int, Char], columns: int) -> Text:
    runs = groupby((cells[column] for column in range(columns)), key=_style)
    line = Text.assemble(*(("".join(each.data for each in run), style) for style, run in runs))
    line.rstrip()
    return line


def _style(cell: Char) -> Style:
    colour = cell.fg.replace("brown", "yellow").replace("bright", "bright_")
    if re.fullmatch("[0-9a-f]{6}", colour):
        colour = f"#{colour}"
    # What is off stays unset, so that cells of one look are one run.
    return Style(
        color=None if colour == "default" else colour, bold=cell.bold or None,
        underline=cell.underscore or None, reverse=cell.reverse or None,
    )  # fmt: skip


def picture(command: str, shown: Lines, columns: int) -> str:
    """The command and what it showed, as an SVG that refers to nothing outside itself."""
    console = Console(record=True, width=columns, file=io.StringIO(), force_terminal=True)
    console.print(Text.assemble(("$ ", "dim"), (command, "bold")))
    for line in shown:
        console.print(line, no_wrap=True)
    svg = console.export_svg(title="ragbraid", unique_id="ragbraid")
    return re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.S)


def words(svg: str) -> str:
    """What stands in a picture, line by line."""
    rows: dict[float, str] = {}
    for y, text in re.findall(r'<text class="ragbraid-r\d+" x="[^"]*" y="([^"]*)"[^>]*>(.*?)</text>', svg):
        rows[float(y)] = rows.get(float(y), "") + unescape(text).replace("\xa0", " ")
    return "\n".join(rows[y].rstrip() for y in sorted(rows))
