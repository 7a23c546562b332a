"""The sentences that an answer may quote, each with where it lies and what surrounds it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from ragbraid.text.sentences import sentences
from ragbraid.types import Hit

_HEADING = re.compile(r"#{1,6}\s|={3,}\s*$|-{3,}\s*$|`{3,}|~{3,}")
_WORD = re.compile(r"\w")


@dataclass(frozen=True, slots=True)
class Candidate:
    """One sentence of one hit. `start` and `end` count within the hit's text."""

    hit: Hit
    rank: int
    start: int
    end: int
    text: str
    surroundings: str
    """Title, last heading and the sentence before: what a pronoun in the sentence may refer to."""

    @property
    def words(self) -> int:
        """The length that is paid for."""
        return length(self.text)


def candidates(hits: Sequence[Hit]) -> list[Candidate]:
    """Every sentence of the hits, best hit first; no headings, and no sentence twice."""
    found: list[Candidate] = []
    seen: set[str] = set()
    for rank, hit in enumerate(hits):
        title = str(hit.metadata.get("title") or "")
        heading = before = ""
        for start, end in sentences(hit.text):
            text = hit.text[start:end]
            if _HEADING.match(text):
                heading = text.strip("#=-`~ ")
                continue
            key = " ".join(text.split())
            if _WORD.search(text) and key not in seen:
                seen.add(key)
                found.append(Candidate(hit, rank, start, end, text, f"{title}\n{heading}\n{before}"))
            before = text
    return found


def length(text: str) -> int:
    """A text's words, or half its characters where no spaces are; at least 1."""
    return max(len(text.split()), _wide(text) // 2, 1)


def _wide(text: str) -> int:
    return sum(character >= "\u3040" for character in text)
