"""What goes to which stream: results to standard output, everything else to standard error."""

from __future__ import annotations

import codecs
import json
import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from io import TextIOWrapper
from typing import Any, TextIO

import typer

from ragbraid.cli.columns import below, wrapped
from ragbraid.errors import RagbraidError

# Control characters in documents must not reach a terminal, where they can move the cursor or worse.
_CONTROLS = {code: "\ufffd" for code in (*range(0x20), *range(0x7F, 0xA0)) if chr(code) not in "\n\t"}
_LINE_CONTROLS = {**_CONTROLS, **{ord(each): "\ufffd" for each in "\n\t\u2028\u2029"}}


def speak_utf8() -> None:
    """Print UTF-8 under every locale, and never fail over a character that a terminal lacks.

    Under an ASCII locale Python also mangles file names and arguments; there the interpreter is
    replaced by one in UTF-8 mode, before anything was done.
    """
    if codecs.lookup(sys.getfilesystemencoding()).name == "ascii":
        os.execv(sys.executable, [sys.executable, "-X", "utf8", *sys.orig_argv[1:]])
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            encoding = None if stream.isatty() else "utf-8"
            stream.reconfigure(encoding=encoding, errors="backslashreplace")


def printable(text: str) -> str:
    """The text with control characters made visible: documents are data, never terminal commands."""
    return text.translate(_CONTROLS)


def one_line(text: str) -> str:
    """The text on one line: a file's name may hold line breaks, and must not forge what is said of others."""
    return text.translate(_LINE_CONTROLS)


def say(text: str) -> None:
    """Write a line to standard error; on a terminal it is broken between words, never within a command."""
    typer.echo(_fitted(printable(text), 2, sys.stderr), err=True)


def show(
    text: str = "", *, head: Sequence[tuple[str, str | None]] = (), hanging: int | None = None,
    bold: bool = False, dim: bool = False, colour: str | None = None,
) -> None:  # fmt: skip
    """Write a line to standard output, styled where it is a terminal, behind bold words of these colours.

    With `hanging` it is broken between words there, and its further lines are indented so far.
    """
    text = printable(text)
    if hanging is not None:
        text = _fitted(text, hanging, sys.stdout, first=sum(len(each) for each, _ in head))
    marked = "".join(_styled(printable(each), bold=True, colour=its) for each, its in head)
    _write(f"{marked}{_styled(text, bold=bold, dim=dim, colour=colour)}\n")


def show_pairs(pairs: Mapping[str, str | None]) -> None:
    """Write what there is of named values, one a line, the values in a column, wrapped on a terminal."""
    told = {name: value for name, value in pairs.items() if value is not None}
    indent = max(map(len, told), default=0) + 2
    for name, value in told.items():
        head, width = f"{name:{indent}}", terminal_width(sys.stdout)
        apart = None if width is None else below(head, printable(value), width)
        show(head + value, hanging=indent) if apart is None else show(apart)


def value(given: Any) -> str:
    """A metadata value on one line."""
    from ragbraid.serial import to_json

    text = given if isinstance(given, str) else json.dumps(to_json(given), ensure_ascii=False)
    return one_line(" ".join(text.split()))


def size(count: int) -> str:
    """Bytes as people write them: 850 bytes, 1.2 kB, 91 MB."""
    if count < 1000:
        return f"{count} byte{'s' * (count != 1)}"
    amount, units = count / 1000, ["kB", "MB", "GB", "TB"]
    while amount >= 999.5 and len(units) > 1:
        amount, units = amount / 1000, units[1:]
    return f"{amount:.{int(amount < 9.95)}f} {units[0]}"


def shortened(text: str, most: int) -> str:
    """The text, or its beginning and an ellipsis, in so many characters."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


def with_article(noun: str) -> str:
    """The noun behind its indefinite article."""
    return f"an {noun}" if noun[0] in "aeiou" else f"a {noun}"


def stream(text: str) -> None:
    """Write a piece of text to standard output at once."""
    _write(printable(text))


def print_json(value: Any) -> None:
    """Write the one JSON value that a command with `--json` prints."""
    _write(_json(value, indent=2) + "\n")


def print_json_line(value: Any) -> None:
    """Write one of the JSON values that a command prints one a line."""
    _write(_json(value) + "\n")


def _json(value: Any, indent: int | None = None) -> str:
    """JSON in characters that standard output has: a backslash of Python's isn't always one of JSON's."""
    has_all = codecs.lookup(sys.stdout.encoding or "ascii").name == "utf-8"
    return json.dumps(value, ensure_ascii=not has_all, indent=indent, allow_nan=False)


def _write(text: str) -> None:
    """Write to standard output at once."""
    try:
        typer.echo(text, nl=False)
    except BrokenPipeError:
        raise
    except OSError as error:
        abandon_standard_output()
        raise RagbraidError(
            f"The output couldn't be written: {error.strerror or error}.",
            "Send it where there is room for it.",
        ) from error


def abandon_standard_output() -> None:
    """What is still to be written goes nowhere; without this, Python complains once more at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _fitted(text: str, indent: int, stream: TextIO, first: int = 0) -> str:
    """The text in lines that fit the stream's terminal; as it is where that is none."""
    width = terminal_width(stream)
    return text if width is None else wrapped(text, width, indent, first=first)


def terminal_width(stream: TextIO) -> int | None:
    """The columns of the terminal that the stream goes to; None where that is none."""
    return shutil.get_terminal_size().columns if stream.isatty() else None


def _styled(text: str, *, bold: bool = False, dim: bool = False, colour: str | None = None) -> str:
    if os.environ.get("NO_COLOR"):
        return text
    # typer.echo strips the codes again where standard output is no terminal.
    return typer.style(text, fg=colour, bold=bold or None, dim=dim or None)
