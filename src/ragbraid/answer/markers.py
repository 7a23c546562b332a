"""`[n]` in prose: which passages a text refers to, cleaned as it streams."""

from __future__ import annotations

import re
from collections.abc import Mapping

_MARKER = re.compile(r"[ \t]*\[(\d{1,3}(?:\s*[,;]\s*\d{1,3})*)\]")
_UNFINISHED = re.compile(r"[ \t]*(?:\[[\d\s,;]{0,20})?$")
_OPEN = re.compile(r"\[[\d\s,;]*$")


class Markers:
    """Takes text in pieces and gives it back with only those markers that name one of `count` passages.

    A piece that may be the beginning of a marker is held back until it is seen whole, so the pieces
    given back join to the very text that the answer holds.
    """

    def __init__(self, count: int) -> None:
        self.count = count
        self.text = ""
        self.removed: list[int] = []
        self._held = ""

    def feed(self, piece: str) -> str:
        """What can be shown now."""
        text = self._held + piece
        unfinished = _UNFINISHED.search(text)
        cut = unfinished.start() if unfinished else len(text)
        self._held = text[cut:]
        return self._given(text[:cut])

    def finish(self) -> str:
        """What was held back at the end, without trailing white space."""
        text, self._held = self._held.rstrip(), ""
        return self._given(text)

    def _given(self, text: str) -> str:
        before, begin = len(self.text), 0
        for match in _MARKER.finditer(text):
            self.text += text[begin : match.start()]
            self.text += self._valid(match)
            begin = match.end()
        self.text += text[begin:]
        return self.text[before:]

    def _valid(self, match: re.Match[str]) -> str:
        numbers = [int(each) for each in re.findall(r"\d+", match.group(1))]
        good = [each for each in numbers if 1 <= each <= self.count]
        self.removed += [each for each in numbers if each not in good]
        if len(good) == len(numbers):
            return match.group()
        space = match.group()[: match.group().index("[")]
        if good:
            return f"{space}[{', '.join(map(str, good))}]"
        return " " if _OPEN.search(self.text) else ""  # what closes up around it must not become a marker


def renumbered(text: str, names: Mapping[int, int]) -> str:
    """The text with each number in its markers replaced; those that have no name are removed."""

    def one(match: re.Match[str]) -> str:
        numbers = [names[number] for each in re.findall(r"\d+", match[1]) if (number := int(each)) in names]
        space = match[0][: match[0].index("[")]
        return f"{space}[{', '.join(map(str, dict.fromkeys(numbers)))}]" if numbers else ""

    return _MARKER.sub(one, text)


def unmarked(sentence: str) -> tuple[str, list[int]]:
    """The sentence without its markers, and the numbers that they name."""
    numbers = [
        int(each) for match in _MARKER.finditer(sentence) for each in re.findall(r"\d+", match.group(1))
    ]
    return _MARKER.sub("", sentence).strip(), numbers
