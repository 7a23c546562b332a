"""What a reader is: the bytes of one file in, its documents out, within limits."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from ragbraid.load import tesseract
from ragbraid.types import Document


@dataclass(frozen=True, slots=True)
class Limits:
    """What the parser may take for one file: seconds of time, and megabytes of memory (its own included)."""

    seconds: float = 120.0
    megabytes: float = 4096.0


@dataclass(frozen=True, slots=True)
class Ocr:
    """Whether the text of pictures is read, and in which languages, by Tesseract's names such as `deu`.

    `auto` reads image files, and the pages of a PDF that are pictures; `force` each page of a PDF.
    """

    mode: Literal["auto", "off", "force"] = "auto"
    languages: tuple[str, ...] = ("eng",)

    def question(self) -> dict[str, Any]:
        """What the parser's process has to know. Raises `LoadError` where OCR isn't installed."""
        languages = list(self.languages)
        return {"languages": languages, "data": str(tesseract.data(languages)), "force": self.mode == "force"}


@dataclass(frozen=True, slots=True)
class Settings:
    """How files are read."""

    limits: Limits = Limits()
    ocr: Ocr = Ocr()


Reader: TypeAlias = Callable[[str, bytes, Settings], Iterable[Document]]
"""Source, bytes and settings → the documents, in order. Raises `LoadError`."""


def suffixes(reader: Reader, names: str) -> dict[str, Reader]:
    """A table that gives each of the suffixes, written without their dots, to one reader."""
    return {f".{each}": reader for each in names.split()}


def warnings(*given: str | None) -> tuple[str, ...]:
    """The warnings among what may be none."""
    return tuple(each for each in given if each)
