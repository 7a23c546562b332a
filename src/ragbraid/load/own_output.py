"""What ragbraid itself has written: no document, wherever somebody keeps it."""

from __future__ import annotations

import os
import re
from collections.abc import Collection

HEAD = 1024
"""Bytes of a file that tell whether it is one of these."""

_DATABASE, _LOCK = "index.sqlite", "writer.lock"
_OURS, _AT = b"RaBr", 68
"""What the database of an index says of whose it is, and where (sqlite.org/fileformat2.html, section 1.3)."""
_INDEX = "it is an index of ragbraid's"
_EXPORT = "it is an export of an index"
_FILES = (
    (re.compile(rb'\{\s*"ragbraid_recording": \d'), "it is a recording of a question"),
    (re.compile(rb'\{\s*"ragbraid_export": \d'), _EXPORT),
    (
        re.compile(rb'<!doctype html>.{0,400}<meta name="generator" content="ragbraid">', re.S),
        "it is a report",
    ),
)
"""How files begin, and what they are."""


def of_folder(path: str, names: Collection[str]) -> str | None:
    """What of ragbraid's a folder with these names in it is; None where it is anything else."""
    if _DATABASE in names and (_LOCK in names or _is_ours(os.path.join(path, _DATABASE))):
        return _INDEX
    if {"export.json", "documents.jsonl"} <= {*names} and of_file(_head(os.path.join(path, "export.json"))):
        return _EXPORT
    return None


def of_file(head: bytes) -> str | None:
    """What of ragbraid's a file is that begins so; None where it is anything else."""
    return next((what for begins, what in _FILES if begins.match(head)), None)


def _is_ours(database: str) -> bool:
    return _head(database)[_AT : _AT + len(_OURS)] == _OURS


def _head(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read(HEAD)
    except OSError:
        return b""
