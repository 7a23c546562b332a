"""Text in the columns of the terminal."""

from __future__ import annotations

import re
import shutil
import textwrap

_NARROW = 24
_LONGEST_WORD = 30
_COMMAND = re.compile(r"`[^`\n]+`")
_TIE = "\ue000"
"""Stands for a space at which no line may break; Unicode leaves this character to private use."""


def help_width() -> int | None:
    """The columns of help texts where those that Click takes at least, 50, are too many; else None."""
    columns = shutil.get_terminal_size().columns
    return max(columns - 1, _NARROW) if columns < 52 else None


def pair(name: str, text: str, width: int) -> str:
    """A name in `width` columns and what is said of it beside it, or below it where that is narrow."""
    room = shutil.get_terminal_size().columns - width
    head = f"  {name}".ljust(width)
    if room < _NARROW:
        width, head = 4, f"  {name}\n    "
        room = max(shutil.get_terminal_size().columns - width, _NARROW)
    return head + f"\n{'':{width}}".join(
        textwrap.wrap(text, room, break_on_hyphens=False, break_long_words=False)
    )


def wrapped(text: str, width: int, indent: int = 0, *, first: int = 0) -> str:
    """The text with its lines broken between words, further ones indented; shorter lines stay as they are.

    `first` columns of the first line are taken. A command in backticks is never broken, so that it can be
    copied: where it is wider than the terminal, the terminal itself breaks it.
    """
    lines: list[str] = []
    for line in text.split("\n"):
        taken = 0 if lines else first
        if len(line) + taken > width:
            tied = _COMMAND.sub(lambda command: command[0].replace(" ", _TIE), line)
            broken = textwrap.wrap(
                tied, width, initial_indent=" " * taken, subsequent_indent=" " * min(indent, width // 2),
                break_long_words=False, break_on_hyphens=False, expand_tabs=False, replace_whitespace=False,
            )  # fmt: skip
            line = "\n".join(broken).replace(_TIE, " ")[taken:]
        lines.append(line)
    return "\n".join(lines)


def below(name: str, value: str, width: int) -> str | None:
    """The name, and on the next lines the value, where a word of it is too long to stand beside the name.

    What is too long for a line by itself, such as a path or a checksum, goes on below itself. None where
    all fits; `width` are the columns of the terminal, and `name` ends in the blanks before the value.
    """
    longest = max(map(len, value.split()), default=0)
    if longest <= width - len(name) or _COMMAND.search(value):  # a command is copied, and never broken
        return None
    broken = textwrap.wrap(value, max(width - 2, 2), break_on_hyphens=False)
    return "\n  ".join([name.rstrip(), *broken])


class Flow:
    """Breaks a text that comes in pieces between its words, at this width; None leaves it as it is."""

    def __init__(self, width: int | None) -> None:
        self._width = width
        self._column = 0
        self._gap = self._word = ""

    def take(self, piece: str) -> str:
        """What can be written now; near a line's end, the beginning of a word waits for the rest of it."""
        if self._width is None:
            return piece
        written = ""
        for each in re.findall(r"\n|[^\S\n]+|\S+", piece):
            if each == "\n":
                written += self.rest() + each
                self._column = 0
            elif each.isspace():
                written += self.rest()
                self._gap += each
            else:
                self._word += each
                fits = self._column + len(self._gap) + _LONGEST_WORD <= self._width
                if fits or len(self._word) > _LONGEST_WORD:  # not every language has spaces between words
                    written += self.rest()
        return written

    def rest(self) -> str:
        """What still waits."""
        gap, word = self._gap, self._word
        if not word or self._width is None:
            return ""
        self._gap = self._word = ""
        if self._column and self._column + len(gap) + len(word) > self._width and gap:
            gap, self._column = "\n", -1
        self._column += len(gap) + len(word)
        return gap + word


def filled(text: str) -> str:
    """A paragraph."""
    columns = shutil.get_terminal_size().columns
    return textwrap.fill(" ".join(text.split()), columns, break_on_hyphens=False, break_long_words=False)
