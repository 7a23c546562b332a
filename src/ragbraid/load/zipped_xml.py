"""XML files in a ZIP archive, as office documents are made of; runs in the parser's process alone."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Callable, Sequence
from io import BytesIO
from typing import IO, Any
from xml.etree.ElementTree import Element, ParseError

_MOST_BYTES = 256 << 20
_BROKEN = (
    zipfile.BadZipFile, zlib.error, KeyError, ParseError, EOFError, OSError, NotImplementedError, ValueError
)  # fmt: skip
"""What `zipfile` and the parser say of damaged files."""


def opened(data: bytes, read: Callable[[zipfile.ZipFile], dict[str, Any]]) -> dict[str, Any]:
    """What `read` finds in the archive; or an `error` that says what is wrong with it."""
    try:
        with zipfile.ZipFile(BytesIO(data)) as archive:
            return read(archive)
    except _BROKEN as error:
        return {"error": str(error) or "it ends too early"}
    except RecursionError:
        return {"error": "its elements lie too deep in each other"}
    except RuntimeError as error:  # what zipfile says of a password
        return {"error": f"encrypted: {error}"}


def entry(archive: zipfile.ZipFile, name: str) -> bytes:
    """The bytes of one file. Raises `OSError` where they are too many to be parsed."""
    _demand_size(archive, name)
    return archive.read(name)


def stream(archive: zipfile.ZipFile, name: str) -> IO[bytes]:
    """One file to be read as far as it is wanted. Raises `OSError` as `entry` does."""
    _demand_size(archive, name)
    return archive.open(name)


def _demand_size(archive: zipfile.ZipFile, name: str) -> None:
    """`zipfile` never gives more than the size that an archive tells of a file."""
    if archive.getinfo(name).file_size > _MOST_BYTES:
        raise OSError(f"{name} is larger than {_MOST_BYTES >> 20} MB")


def local(element: Element) -> str:
    """The name of an element without its namespace, which the strict variants of formats write otherwise."""
    return element.tag.rpartition("}")[2]


def attribute(element: Element, name: str) -> str:
    """An attribute by its name without a namespace; empty where it isn't there."""
    return next((value for key, value in element.items() if key.rpartition("}")[2] == name), "")


def table(rows: Sequence[Sequence[str]]) -> str:
    """Rows of cells as a Markdown table, without empty rows and without columns at the end that are empty."""
    rows = [each for each in rows if any(each)]
    if not rows:
        return ""
    width = max(max(i + 1 for i, cell in enumerate(each) if cell) for each in rows)
    lines = [f"| {' | '.join([*each, *[''] * width][:width])} |" for each in rows]
    return "\n".join([lines[0], f"| {' | '.join(['---'] * width)} |", *lines[1:]])
