"""The `spelling` transform: words that no passage has, as the passages spell them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, ClassVar

from annotated_types import Ge

from ragbraid.context import Context
from ragbraid.index.protocol import Index
from ragbraid.text.question import LONGEST, check_question
from ragbraid.text.stopwords import STOP_WORDS
from ragbraid.text.terms import language_of

_WORD = re.compile(r"[^\W\d_]+")
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_MOST = 8
"""Unknown words of a question that are looked at; one with more isn't misspelt but about something else."""


@dataclass(frozen=True, slots=True)
class Spelling:
    """Corrects words that no passage of the `index` has to one that many have, a single slip away.

    A slip is a letter too many, too few, another one, or two in the wrong order (Damerau, CACM 1964: four of
    five misspellings are one of these); of the words it may be, the one in most passages is taken (Norvig,
    How to Write a Spelling Corrector, 2007). The vocabulary is the corpus's own, seen under the question's
    scope, so names and jargon are known. Words under `letters` letters, numbers and identifiers stay. The
    trace tells what was changed. Raises `InputError` for an empty question.
    """

    index: Index
    letters: Annotated[int, Ge(2)] = 4

    blocking: ClassVar[bool] = True

    def __call__(self, question: str, context: Context) -> str:
        """The question, corrected."""
        check_question(question)
        stop = STOP_WORDS.get(language_of([question]), frozenset())
        words = (each for each in _WORD.finditer(question) if self._plain(each, question))
        found = dict.fromkeys(each.group() for each in words)
        asked = [each for each in found if each.casefold() not in stop]
        if not asked:
            return question
        _, counts = self.index.document_frequencies([each.casefold() for each in asked])
        unknown = [word for word, count in zip(asked, counts, strict=True) if not count]
        if len(unknown) > _MOST:
            return question
        corrected = {word: other for word in unknown if (other := self._nearest(word.casefold(), stop))}
        if not corrected:
            return question
        text = _WORD.sub(lambda each: _cased(each.group(), corrected.get(each.group())), question)
        if len(text) > LONGEST:
            return question
        context.note("corrected", corrected)
        return text

    def _plain(self, word: re.Match[str], question: str) -> bool:
        """Whether it is a word, and no abbreviation, part of an identifier or number with a unit."""
        before, after = (
            question[max(0, word.start() - 1) : word.start()],
            question[word.end() : word.end() + 2],
        )
        joined = re.match(r"[\d_/@#]|[.][\w]", after) or re.match(r"[\d_/@#.]", before)
        return len(word.group()) >= self.letters and not joined and word.group()[1:].islower()

    def _nearest(self, word: str, stop: frozenset[str]) -> str | None:
        candidates = sorted(set(_slips(word)) - stop - {word})
        _, counts = self.index.document_frequencies(candidates)
        best = max(zip(counts, candidates, strict=True), key=lambda pair: pair[0], default=(0, ""))
        return best[1] if best[0] else None


def _slips(word: str) -> Iterator[str]:
    """Every word that is one slip away, over the letters of English and the word's own."""
    letters = sorted({*_LETTERS, *word})
    for at in range(len(word) + 1):
        left, right = word[:at], word[at:]
        if right:
            yield left + right[1:]
            yield from (left + letter + right[1:] for letter in letters)
        if len(right) > 1:
            yield left + right[1] + right[0] + right[2:]
        yield from (left + letter + right for letter in letters)


def _cased(word: str, other: str | None) -> str:
    if other is None:
        return word
    return other.capitalize() if word[0].isupper() else other
