"""What goes to which stream: results to standard output, everything else to standard error."""

from __future__ import annotations

import codecs
import json
import os
import shutil
import sys
import textwrap
from collections.abc import Mapping
from io import TextIOWrapper
from typing import Any

import typer

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
    """Write a line to standard error."""
    typer.echo(printable(text), err=True)


def show(text: str = "", *, bold: bool = False, dim: bool = False) -> None:
    """Write a line to standard output, styled where it is a terminal."""
    _write(_styled(printable(text), bold=bold, dim=dim) + "\n")


def show_pairs(pairs: Mapping[str, str | None]) -> None:
    """Write what there is of named values, one a line, the values in a column, wrapped on a terminal."""
    told = {name: value for name, value in pairs.items() if value is not None}
    indent = max(map(len, told), default=0) + 2
    for name, value in told.items():
        lines = [value]
        if sys.stdout.isatty():
            width = max(20, shutil.get_terminal_size().columns - indent)
            lines = textwrap.wrap(value, width, break_long_words=False, break_on_hyphens=False)
        show(f"{name:{indent}}" + f"\n{'':{indent}}".join(lines))


def size(count: int) -> str:
    """Bytes as people write them."""
    units = ("bytes", "kB", "MB", "GB", "TB")
    power = min((len(str(count)) - 1) // 3, len(units) - 1)
    return f"{count / 1000**power:.{min(power, 1)}f} {units[power]}"


def shortened(text: str, most: int) -> str:
    """The text, or its beginning and an ellipsis, in so many characters."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


def stream(text: str) -> None:
    """Write a piece of text to standard output at once."""
    _write(printable(text))


def print_json(value: Any) -> None:
    """Write the one JSON value that a command with `--json` prints."""
    _write(json.dumps(value, ensure_ascii=False, indent=2, allow_nan=False) + "\n")


def print_json_line(value: Any) -> None:
    """Write one of the JSON values that a command prints one a line."""
    _write(json.dumps(value, ensure_ascii=False, allow_nan=False) + "\n")


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


def _styled(text: str, *, bold: bool, dim: bool) -> str:
    if os.environ.get("NO_COLOR"):
        return text
    # typer.echo strips the codes again where standard output is no terminal.
    return typer.style(text, bold=bold or None, dim=dim or None)
