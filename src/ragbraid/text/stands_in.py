"""Whether a value that a model gives was said before, or is its own invention."""

from __future__ import annotations

import re
import unicodedata
from typing import Any


def stands_in(value: Any, text: str) -> bool:
    """Whether the text has these words in a row, or this number, in it; a list's every element."""
    if isinstance(value, list):
        return all(stands_in(each, text) for each in value)
    if isinstance(value, int | float):
        numbers = [each.replace(",", "") for each in re.findall(r"\d[\d,]*(?:\.\d+)?", text)]
        return any(float(each) == abs(value) for each in numbers)
    words, said = _words(value), _words(text)
    return bool(words) and f" {' '.join(words)} " in f" {' '.join(said)} "


def _words(text: str) -> list[str]:
    return re.findall(r"[\w-]+", unicodedata.normalize("NFKC", text).casefold())
