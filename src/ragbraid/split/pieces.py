"""A text as small pieces between which it may be cut, each with its tokens and the rank of the cut.

Tokenizers cut at blanks before anything else, so the tokens of a passage are the sum of its words'
tokens. Counting each distinct word once and adding up is many times faster than tokenizing passages
again and again, which is what a splitter that only has a tokenizer must do.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from itertools import accumulate

from ragbraid.split.counting import Count
from ragbraid.text.markdown import Outline

WINDOW, MARK, WORD, SENTENCE, CODE_LINE, CODE_PARAGRAPH, LINE, PARAGRAPH, HEADING = range(9)
"""Ranks of cuts, weakest first: inside a word, at a punctuation mark, between words, …; a heading of
level n has rank `HEADING + 6 - n`."""

_WORD = re.compile(r"[ \t\r\n]*[^ \t\r\n]+")
_NEWLINE = re.compile(r"\r\n|\r|\n")
_SENTENCE_END = re.compile(r"[.!?…。！？；｡؟۔।][\"'”’»)\]」』）】]*\Z")
_FULL_WIDTH_END = re.compile(r"[。！？；｡…][”’」』）】]*\Z")

_IN_FENCE = {SENTENCE: WORD, LINE: CODE_LINE, PARAGRAPH: CODE_PARAGRAPH}

_LONG = 100
"""Words of more characters than this are cut inside: WordPiece takes a longer one for a single unknown."""
_KNOWN_WORDS = 400_000
_JOINED = (  # signs that belong to the one before: accents, vowel signs, joiners, skin tones
    r"[\u0300-\u036f\u0483-\u0489\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06ed\u0900-\u0903"
    r"\u093a-\u094f\u0981-\u0983\u09bc-\u09cd\u0a3c-\u0a4d\u0b82-\u0bcd\u0c3c-\u0c4d\u0d3b-\u0d4d\u0e31"
    r"\u0e34-\u0e3a\u0e47-\u0e4e\u0eb1\u0eb4-\u0ebc\u0ec8-\u0ece\u102b-\u103e\u17b4-\u17d3\u1ab0-\u1aff"
    r"\u1dc0-\u1dff\u200c\u200d\u200e\u200f\u20d0-\u20ff\ufe00-\ufe0f\ufe20-\ufe2f\U0001f3fb-\U0001f3ff]"
)


@dataclass(frozen=True, slots=True)
class Pieces:
    """Pieces that tile a text from its body to its last word.

    `starts` has one entry more than there are pieces; `tokens[i]` is the sum of all before piece i;
    `ranks[i]` is the rank of the cut before piece i; `shredded` tells which pieces are parts of words.
    """

    starts: list[int]
    tokens: list[int]
    ranks: list[int]
    shredded: list[bool]


class Lexicon:
    """Remembers each word's tokens and rank. Usable from several threads."""

    def __init__(self, count: Count, limit: int) -> None:
        self._count = count
        self._limit = limit
        window = max(1, min(32, limit // 4))  # a character is up to four tokens in byte-level vocabularies
        sign = rf"{_JOINED}{{0,8}}"
        self._shreds = re.compile(
            rf"[ \t\r\n]+|(?:\w{sign}){{1,{window}}}"
            rf"|[。！？；｡…]{{1,{window}}}[”’」』）】]?|\W(?:{_JOINED}|(?<=\u200d)[^\w\s]){{0,8}}",
            re.DOTALL,
        )
        self._words: dict[str, tuple[int, int, bool]] = {}

    def pieces(self, text: str, start: int, end: int, outline: Outline) -> Pieces:
        """Cut `text[start:end]` into pieces; `outline` is the whole text's."""
        words, shredded = self._shred(_WORD.findall(text, start, end))
        known = self._know(words)
        entries = [known[word] for word in words]
        ranks = [rank for _, rank, _ in entries]
        for i, (_, _, ends) in enumerate(entries[:-1], 1):
            if ends and ranks[i] == WORD:
                ranks[i] = SENTENCE
            elif shredded[i] and ranks[i] == WINDOW:
                ranks[i] = _rank_after(words[i - 1])
        starts = list(accumulate(map(len, words), initial=start))
        _rank_markdown(outline, starts, ranks)
        return Pieces(starts, [0, *accumulate(tokens for tokens, _, _ in entries)], ranks, shredded)

    def _shred(self, words: list[str]) -> tuple[list[str], list[bool]]:
        """Cut overlong words into parts; the blanks before a word stay with its first part."""
        known = self._know([word for word in words if len(word) <= _LONG])
        most = self._limit // 4
        parts: list[str] = []
        flags: list[bool] = []
        for word in words:
            if len(word) <= _LONG and known[word][0] <= most:
                parts.append(word)
                flags.append(False)
                continue
            shreds = self._shreds.findall(word)
            if len(shreds) > 1 and shreds[0].isspace():
                shreds[:2] = [shreds[0] + shreds[1]]
            parts += shreds
            flags += [True] * len(shreds)
        return parts, flags

    def _know(self, words: list[str]) -> dict[str, tuple[int, int, bool]]:
        known = self._words
        distinct = set(words)
        unknown = [word for word in distinct if word not in known]
        if len(known) + len(unknown) > _KNOWN_WORDS:
            known = self._words = {}
            unknown = list(distinct)
        for word, tokens in zip(unknown, self._count(unknown), strict=True):
            known[word] = (tokens, _rank(word), _SENTENCE_END.search(word) is not None)
        return known


def _rank(word: str) -> int:
    """The rank of a cut before this word, from the blanks at its front."""
    blanks = word[: len(word) - len(word.lstrip(" \t\r\n"))]
    if not blanks:
        return WINDOW
    newlines = len(_NEWLINE.findall(blanks))
    return (WORD, LINE, PARAGRAPH)[min(newlines, 2)]


def _rank_after(part: str) -> int:
    """The rank of a cut inside a word, from the part before it."""
    if _FULL_WIDTH_END.search(part):
        return SENTENCE
    return WINDOW if part[-1].isalnum() else MARK


def _rank_markdown(outline: Outline, starts: list[int], ranks: list[int]) -> None:
    """Raise the ranks of headings, and lower those inside code fences, so that fences aren't torn."""
    for begin, end in outline.fences:
        for i in range(bisect_right(starts, begin), min(bisect_left(starts, end), len(ranks))):
            ranks[i] = _IN_FENCE.get(ranks[i], ranks[i])
    for heading in outline.headings:
        i = bisect_right(starts, heading.start) - 1
        if 0 <= i < len(ranks):
            ranks[i] = HEADING + 6 - heading.level
