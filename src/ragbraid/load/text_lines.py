"""Lines of a text file of any size, decoded as `decoding` decodes a small one, in bounded memory."""

from __future__ import annotations

import codecs
import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import BinaryIO, TextIO

from ragbraid.errors import LoadError
from ragbraid.load.decoding import guessed, guesses, mark_of, undecodable

_BLOCK = 1 << 20
_GUESS_FROM = 256 * 1024

LONGEST = 64_000_000
"""Characters of a line, or of a record of several: more would not fit into memory."""

Open = Callable[[], BinaryIO]
"""Opens the bytes of a source from their beginning."""


@contextmanager
def opened(source: Open) -> Iterator[tuple[Iterator[str], str | None]]:
    """The lines of a source with their endings as they are, and a warning where its encoding was guessed.

    A byte order mark is no part of it. Raises `LoadError` for binary data, for what can't be decoded, and for
    lines without an end.
    """
    with source() as file:
        head = file.read(_GUESS_FROM)
    mark = mark_of(head)
    if mark is not None:
        encoding, skipped, warning = mark[1], len(mark[0]), None
        if not _decodes(source, encoding, skipped):
            raise LoadError(
                f"Its byte order mark says {encoding.upper()}, but not all of it is that.",
                "Save it anew as UTF-8.",
            )
    else:
        skipped = 0
        encoding, warning = _unmarked(source, head)
    with source() as file:
        file.read(skipped)
        with io.TextIOWrapper(file, encoding=encoding, newline="") as text:
            yield _lines(text), warning


def _lines(text: TextIO) -> Iterator[str]:
    while line := text.readline(LONGEST):
        if len(line) == LONGEST and line[-1] not in "\r\n":
            raise LoadError(f"A line of it has more than {LONGEST:,} characters.", "Is it a table at all?")
        yield line


def _unmarked(source: Open, head: bytes) -> tuple[str, str | None]:
    _demand_text(source)
    if _decodes(source, "utf-8", 0):
        return "utf-8", None
    found = next((each for each in guesses(head) if _decodes(source, each, 0)), None)
    if found is None:
        raise undecodable()
    return found, guessed(found)


def _demand_text(source: Open) -> None:
    with source() as file:
        while block := file.read(_BLOCK):
            if b"\0" in block:
                raise LoadError("It holds binary data, not text.", "Leave it out, or convert it to text.")


def _decodes(source: Open, encoding: str, skipped: int) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)()
    with source() as file:
        file.read(skipped)
        try:
            while block := file.read(_BLOCK):
                decoder.decode(block)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return False
    return True
