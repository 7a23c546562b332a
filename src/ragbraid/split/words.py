"""Counts the tokens of a text's words, each distinct word once.

Tokenizers cut at blanks before anything else, so the tokens of a passage are the sum of its words' tokens.
Adding up what is remembered is many times faster than tokenizing passages again and again, which is what
a splitter that only has a tokenizer must do.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import chain

from ragbraid.split.counting import Count

BLANKS = " \t\r\n"
SPACED = re.compile(r"[ \t\r\n]*[^ \t\r\n]+")
"""A word and the blanks before it."""
TORN = 1 << 40
"""In place of the tokens of a word that is to be cut inside, so that a sum over it fits nowhere."""

_BARE = re.compile(r"[^ \t\r\n]+")
_ASCII_BLANKS = "\v\f\x1c\x1d\x1e\x1f"
_OTHER_BLANKS = re.compile(r"[\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]")
"""Where Python cuts as well, and some tokenizers don't."""
_SENTENCE_END = re.compile(r"[.!?…。！？；｡؟۔।][\"'”’»)\]」』）】]*\Z")
_LONG = 100
"""Words of more characters than this are cut inside: WordPiece takes a longer one for a single unknown."""
_MOST_KNOWN = 400_000


@dataclass(frozen=True, slots=True)
class Known:
    """The tokens of words, and those words among them at which a sentence ends."""

    tokens: dict[str, int] = field(default_factory=dict)
    ending: set[str] = field(default_factory=set)

    def sums(self, lines: Iterable[list[str]]) -> list[int]:
        """The tokens of each line's words together, at least `TORN` where one is torn. Raises `KeyError`."""
        return [sum(map(self.tokens.__getitem__, words)) for words in lines]


class Words:
    """Remembers the tokens of words. Usable from several threads."""

    def __init__(self, count: Count, most: int, exact: bool) -> None:
        """A word of over `most` tokens is to be torn; `exact` says that blanks have no tokens."""
        self._count = count
        self._most = most
        self._exact = exact
        self._known = Known()
        self._parts: dict[str, int] = {}

    def cut(self, text: str, lines: list[tuple[str, str]]) -> list[list[str]]:
        """The words of a text's lines, each given with the blanks before it; with theirs where they count."""
        if not self._exact:
            return [SPACED.findall(blanks + line) for blanks, line in lines]
        others = any(each in text for each in _ASCII_BLANKS)
        if others or not (text.isascii() or _OTHER_BLANKS.search(text) is None):
            return [_BARE.findall(line) for _, line in lines]
        return [line.split() for _, line in lines]

    def know(self, lines: Sequence[list[str]]) -> tuple[list[int], Known]:
        """The tokens of each line's words together, at least `TORN` where one is torn; and each word's."""
        known = self._known
        try:
            return known.sums(lines), known
        except KeyError:
            known = self._learn(set(chain.from_iterable(lines)))
            return known.sums(lines), known

    def parts(self, parts: list[str]) -> list[int]:
        """The tokens of parts of words, one by one."""
        known = self._parts
        unknown = set(parts).difference(known)
        if len(known) + len(unknown) > _MOST_KNOWN:
            known, unknown = {}, set(parts)
        given = list(unknown)
        known.update(zip(given, self._count(given), strict=True))
        self._parts = known
        return [known[part] for part in parts]

    def _learn(self, words: set[str]) -> Known:
        known = self._known
        unknown = words.difference(known.tokens)
        if len(known.tokens) + len(unknown) > _MOST_KNOWN:
            known, unknown = Known(), words
        known.ending.update(word for word in unknown if _SENTENCE_END.search(word))
        short = [word for word in unknown if len(word) <= _LONG]
        counts = (tokens if tokens <= self._most else TORN for tokens in self._count(short))
        known.tokens.update((word, TORN) for word in unknown if len(word) > _LONG)
        known.tokens.update(zip(short, counts, strict=True))
        self._known = known
        return known
