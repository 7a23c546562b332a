"""Prose that arrives in pieces, given on sentence by sentence, each with the markers that follow it."""

from __future__ import annotations

import re
from itertools import pairwise

from ragbraid.text.sentences import sentences

_MARKERS = re.compile(r"(?:\s*\[\d[\d\s,;]*\])+[.!?]?")


class Sentences:
    """Gathers text and gives each sentence once it is whole: once another one has begun after it.

    A marker after the full stop belongs to the sentence before. The sentences given join to the very text
    that was fed, white space included.
    """

    def __init__(self) -> None:
        self._held = ""

    def feed(self, piece: str) -> list[str]:
        """The sentences that are whole now."""
        self._held += piece
        starts = _starts(self._held)[1:]
        if not starts:
            return []
        # What follows the last beginning may still turn out to be a marker of the sentence before.
        found = _cut(self._held, starts)
        self._held = found.pop()
        return found

    def finish(self) -> list[str]:
        """What is left."""
        text, self._held = self._held, ""
        return _cut(text, _starts(text)[1:]) if text else []


def _starts(text: str) -> list[int]:
    """Where the sentences begin, markers at their beginnings left to the sentences before."""
    found: list[int] = []
    for start, end in sentences(text):
        markers = _MARKERS.match(text, start) if found else None
        begin = markers.end() if markers else start
        begin += len(text[begin:end]) - len(text[begin:end].lstrip())
        if begin < end and not (found and text[begin] == "["):
            found.append(begin)
    return found


def _cut(text: str, starts: list[int]) -> list[str]:
    edges = [0, *starts, len(text)]
    return [text[start:end] for start, end in pairwise(edges)]
