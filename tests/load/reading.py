"""Reads bytes as the loader `files` reads a file of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ragbraid.load.files import Files
from ragbraid.types import Document, SourceRef


def documents(folder: Path, name: str, data: bytes, **options: Any) -> list[Document]:
    (folder / name).write_bytes(data)
    return list(Files(**options).load(SourceRef(name, str(folder / name))))


def load(folder: Path, name: str, data: bytes, **options: Any) -> Document:
    (document,) = documents(folder, name, data, **options)
    return document


def page_of(document: Document, needle: str) -> int:
    offset = document.text.index(needle)
    return sum(start <= offset for start in document.pages)


def in_order(text: str, *words: str) -> bool:
    """Whether each of the words is there once, and in this order."""
    places = [text.find(each) for each in words]
    return places == sorted(places) and all(text.count(each) == 1 for each in words)
