"""A text as small pieces between which it may be cut, each with its tokens and the rank of the cut.

A line that fits is a piece; one that may have to be cut is a piece for each word.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import accumulate, groupby

from ragbraid.split.counting import Count
from ragbraid.split.words import BLANKS, SPACED, TORN, Known, Words
from ragbraid.text.markdown import Outline

WINDOW, MARK, WORD, SENTENCE, CODE_LINE, CODE_PARAGRAPH, LINE, PARAGRAPH, HEADING = range(9)
"""Ranks of cuts, weakest first: inside a word, at a punctuation mark, between words, …; a heading of
level n has rank `HEADING + 6 - n`."""

_LINE = re.compile(r"([ \t\r\n]*)([^\r\n]*[^ \t\r\n])")
_NEWLINE = re.compile(r"\r\n|\r|\n")
_SENTENCE_END = re.compile(r"[.!?…。！？；｡؟۔।][\"'”’»)\]」』）】]*\Z")
_FULL_WIDTH_END = re.compile(r"[。！？；｡…][”’」』）】]*\Z")

_IN_FENCE = {SENTENCE: WORD, LINE: CODE_LINE, PARAGRAPH: CODE_PARAGRAPH}

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


@dataclass(slots=True)
class _Cuts:
    """Pieces as they are found, each with its length, its tokens and its rank."""

    lengths: list[int] = field(default_factory=list)
    tokens: list[int] = field(default_factory=list)
    ranks: list[int] = field(default_factory=list)
    shredded: list[bool] = field(default_factory=list)

    def add(self, lengths: list[int], tokens: list[int], ranks: list[int], shredded: list[bool]) -> None:
        self.lengths += lengths
        self.tokens += tokens
        self.ranks += ranks
        self.shredded += shredded

    def add_line(self, length: int, tokens: int, rank: int) -> None:
        self.lengths.append(length)
        self.tokens.append(tokens)
        self.ranks.append(rank)
        self.shredded.append(False)


class Lexicon:
    """Cuts texts into pieces; remembers each word's tokens. Usable from several threads."""

    def __init__(self, count: Count, limit: int, exact: bool) -> None:
        """`exact` says that a passage has as many tokens as its words without the blanks between them."""
        self._words = Words(count, limit // 4, exact)
        window = max(1, min(32, limit // 4))  # a character is up to four tokens in byte-level vocabularies
        sign = rf"{_JOINED}{{0,8}}"
        self._shreds = re.compile(
            rf"[ \t\r\n]+|(?:\w{sign}){{1,{window}}}"
            rf"|[。！？；｡…]{{1,{window}}}[”’」』）】]?|\W(?:{_JOINED}|(?<=\u200d)[^\w\s]){{0,8}}",
            re.DOTALL,
        )

    def pieces(self, text: str, start: int, end: int, outline: Outline, whole: int = 0) -> Pieces:
        """Cut `text[start:end]` into pieces; `outline` is the whole text's.

        A line of up to `whole` tokens is one piece, since what cuts lines only where they are over that
        needs none of its words.
        """
        body = text[start:end].rstrip(BLANKS)
        lines = _LINE.findall(body)
        words = self._words.cut(body, lines)
        sums, known = self._words.know(words)
        if max(sums, default=0) <= whole:
            lengths = [len(blanks) + len(line) for blanks, line in lines]
            cuts = _Cuts(lengths, sums, [_rank(blanks) for blanks, _ in lines], [False] * len(lines))
        else:
            cuts = self._cuts(lines, words, sums, known, whole)
        starts = list(accumulate(cuts.lengths, initial=start))
        _rank_markdown(outline, starts, cuts.ranks)
        return Pieces(starts, list(accumulate(cuts.tokens, initial=0)), cuts.ranks, cuts.shredded)

    def _cuts(
        self, lines: list[tuple[str, str]], words: list[list[str]], sums: list[int], known: Known, whole: int
    ) -> _Cuts:
        cuts = _Cuts()
        for (blanks, line), own, tokens in zip(lines, words, sums, strict=True):
            if tokens <= whole:
                cuts.add_line(len(blanks) + len(line), tokens, _rank(blanks))
            elif tokens < TORN:
                _add_words(cuts, blanks, line, own, known)
            else:
                self._add_parts(cuts, blanks + line, own, known)
        return cuts

    def tokens(self, text: str, pieces: Pieces, begin: int, end: int) -> int:
        """The tokens of a range of pieces, those that are parts of words counted together.

        Parts may have more tokens together than one by one. Only where a passage has as many as its words.
        """
        total = pieces.tokens[end] - pieces.tokens[begin]
        runs: list[str] = []
        for shredded, run in groupby(range(begin, end), pieces.shredded.__getitem__):
            if shredded:
                first, *rest = run
                last = rest[-1] if rest else first
                total -= pieces.tokens[last + 1] - pieces.tokens[first]
                runs.append(text[pieces.starts[first] : pieces.starts[last + 1]])
        return total + sum(self._words.parts(runs))

    def _add_parts(self, cuts: _Cuts, line: str, words: list[str], known: Known) -> None:
        """A line with overlong words, which are cut inside; blanks before one stay with its first part."""
        parts: list[str] = []
        shredded: list[bool] = []
        for spaced, word in zip(SPACED.findall(line), words, strict=True):
            if known.tokens[word] < TORN:
                parts.append(spaced)
                shredded.append(False)
                continue
            shreds = self._shreds.findall(spaced)
            if len(shreds) > 1 and shreds[0].isspace():
                shreds[:2] = [shreds[0] + shreds[1]]
            parts += shreds
            shredded += [True] * len(shreds)
        ranks = [_rank(part[: len(part) - len(part.lstrip(BLANKS))]) for part in parts]
        for i, part in enumerate(parts[:-1], 1):
            if ranks[i] == WORD and _SENTENCE_END.search(part):
                ranks[i] = SENTENCE
            elif shredded[i] and ranks[i] == WINDOW:
                ranks[i] = _rank_after(part)
        cuts.add([*map(len, parts)], self._words.parts(parts), ranks, shredded)


def _add_words(cuts: _Cuts, blanks: str, line: str, words: list[str], known: Known) -> None:
    """A piece for each word of a line, the blanks before it included."""
    lengths = _lengths(blanks, line, words)
    ranks = [SENTENCE if word in known.ending else WORD for word in words]
    tokens = [*map(known.tokens.__getitem__, words)]
    cuts.add(lengths, tokens, [_rank(blanks), *ranks[:-1]], [False] * len(words))


def _lengths(blanks: str, line: str, words: list[str]) -> list[int]:
    """The length of each word with the blanks before it, which may be a part of it already."""
    lengths = [*map(len, words)]
    if sum(lengths) == len(blanks) + len(line):
        return lengths
    if " ".join(words) == line:  # as nearly always
        return [len(blanks) + lengths[0], *(each + 1 for each in lengths[1:])]
    return [*map(len, SPACED.findall(blanks + line))]


@lru_cache(1024)
def _rank(blanks: str) -> int:
    """The rank of a cut before a word, from the blanks at its front."""
    if not blanks:
        return WINDOW
    newlines = len(_NEWLINE.findall(blanks)) if "\r" in blanks else blanks.count("\n")
    return (WORD, LINE, PARAGRAPH)[min(newlines, 2)]


def _rank_after(part: str) -> int:
    """The rank of a cut inside a word, from the part before it."""
    if _FULL_WIDTH_END.search(part):
        return SENTENCE
    return WINDOW if part[-1].isalnum() else MARK


def _rank_markdown(outline: Outline, starts: list[int], ranks: list[int]) -> None:
    """Raise the ranks of headings, and lower those in code fences and tables, so that these aren't torn."""
    for begin, end in (*outline.fences, *((each.start, each.end) for each in outline.tables)):
        for i in range(bisect_right(starts, begin), min(bisect_left(starts, end), len(ranks))):
            ranks[i] = _IN_FENCE.get(ranks[i], ranks[i])
    for heading in outline.headings:
        i = bisect_right(starts, heading.start) - 1
        if 0 <= i < len(ranks):
            ranks[i] = HEADING + 6 - heading.level
