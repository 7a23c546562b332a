"""Bytes to text, exactly: a byte order mark, else UTF-8, else what HTML says of itself, else a guess."""

from __future__ import annotations

import codecs
import re
import string
from typing import NamedTuple

from ragbraid.errors import LoadError, MissingDependency

_MARKS = (  # UTF-32 first: its little-endian mark begins with that of UTF-16
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_HTML_CHARSET = re.compile(
    rb"""<meta[^>]{0,400}?charset\s*=\s*["']?\s*([A-Za-z0-9_:.\-]{2,40})""", re.IGNORECASE
)
_HTML_HEAD = 4096
_GUESS_FROM = 256 * 1024
_NEVER_WITHOUT_MARK = ["utf_16", "utf_16_be", "utf_16_le", "utf_32", "utf_32_be", "utf_32_le", "utf_7"]
_SURE = 0.2
"""Coherence from which charset-normalizer's guess has a language behind it."""
_HIGH = bytes(range(0x80, 0x100))
_LETTERS = string.ascii_letters.encode()
_WESTERN = {"ascii", "us-ascii", "iso-8859-1", "iso8859-1", "latin-1", "latin1"}


class Decoded(NamedTuple):
    """A file's text, the encoding that it was in by Python's name, and a warning where that was guessed."""

    text: str
    encoding: str
    warning: str | None = None


def decode(data: bytes, *, html: bool = False) -> Decoded:
    """The text of a file.

    A byte order mark is honoured and is no part of the text; everything else is kept, line endings
    too. No character is ever replaced: what can't be decoded raises `LoadError`, and so does binary
    content (NUL bytes without a mark of UTF-16 or UTF-32).
    """
    if (marked := mark_of(data)) is not None:
        return Decoded(_strictly(data[len(marked[0]) :], marked[1]), marked[1])
    if b"\0" in data:
        raise LoadError("It holds binary data, not text.", "Leave it out, or convert it to text.")
    try:
        return Decoded(data.decode("utf-8"), "utf-8")
    except UnicodeDecodeError:
        pass
    if html and (declared := _declared(data)) is not None:
        return declared
    return _guess(data)


def _strictly(data: bytes, encoding: str) -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        raise LoadError(
            f"Its byte order mark says {encoding.upper()}, but byte {error.start} isn't that.",
            "Save it anew as UTF-8.",
        ) from None


def _declared(data: bytes) -> Decoded | None:
    """The text as the page's own `<meta charset>` says, where that holds for all of it."""
    found = _HTML_CHARSET.search(data[:_HTML_HEAD])
    if found is None:
        return None
    label = found[1].decode("ascii").lower()
    # Browsers read these labels as windows-1252 (WHATWG Encoding Standard, section 4.2).
    name = "cp1252" if label in _WESTERN else label
    try:
        if not codecs.lookup(name)._is_text_encoding:
            return None
        return Decoded(data.decode(name), codecs.lookup(name).name)
    except (LookupError, UnicodeError, ValueError):
        return None


def _guess(data: bytes) -> Decoded:
    for encoding in guesses(data[:_GUESS_FROM]):
        try:
            return Decoded(data.decode(encoding), encoding, guessed(encoding))
        except UnicodeDecodeError:
            continue
    raise undecodable()


def guessed(encoding: str) -> str:
    """The warning about a text whose encoding was guessed."""
    return f"its encoding was guessed to be {encoding}: save it as UTF-8 to be sure"


def undecodable() -> LoadError:
    """The error about bytes that no encoding fits."""
    return LoadError("Its encoding can't be told.", "Save it anew as UTF-8.")


def mark_of(data: bytes) -> tuple[bytes, str] | None:
    """The byte order mark that the data begins with, and the encoding that it stands for."""
    return next((each for each in _MARKS if data.startswith(each[0])), None)


def guesses(data: bytes) -> tuple[str, ...]:
    """The encodings that a text which isn't UTF-8 may have, the likeliest first."""
    try:
        from charset_normalizer import from_bytes
    except ImportError:
        raise MissingDependency(
            "It isn't UTF-8, and the package that guesses encodings isn't installed.",
            "Install it with: pip install 'ragbraid[local]'.",
        ) from None
    best = from_bytes(data, cp_exclusion=_NEVER_WITHOUT_MARK).best()
    if best is None or (best.coherence < _SURE and _mostly_ascii(data)):
        return ("cp1252",)
    return (best.encoding, "cp1252")


def _mostly_ascii(data: bytes) -> bool:
    """Whether it looks like a western language: accented letters among at least twice as many plain ones."""
    accented = len(data) - len(data.translate(None, _HIGH))
    return 2 * accented <= len(data) - len(data.translate(None, _LETTERS))
