"""Where sentences begin and end, in characters: English, German, Chinese, Japanese and their like.

Rules, no model: a paragraph ends at a blank line; list items, headings, table rows and lines of code
stand alone; within a paragraph a terminator ends a sentence unless an abbreviation, an initial, a
decimal or an ordinal explains it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ragbraid.text.stopwords import STOP_WORDS

LONGEST = 1000
"""A sentence over this many characters is cut at its best inner boundary: nobody quotes a page."""

_LINE = re.compile(r"[^\n\r\u2028\u2029]+")
_FENCE = re.compile(r"\s{0,3}(```+|~~~+)")
_ALONE = re.compile(
    r"\s*(?:\#{1,6}\s"  # a heading
    r"|[-*+•‣·]\s|\(?(?:\d{1,3}|[a-zA-Z])[.)]\s(?!\s*$)"  # a list item
    r"|\||>\s?|={3,}\s*$|-{3,}\s*$|\*{3,}\s*$)"  # a table row, a quotation, a rule
)
_CLOSED = re.compile(r"\s*(?:\#{1,6}\s|\||={3,}\s*$|-{3,}\s*$|\*{3,}\s*$)")
_END = re.compile(
    r"(?P<wide>(?<![。！？｡।॥؟۔])[。！？｡।॥؟۔]++[」』”’）】》〉]*+)(?=\S|\s)"
    r"|(?P<dot>(?<![.!?…])[.!?…]++)(?P<close>[\"'”“’»)\]*_]*)(?=\s+(?P<next>\S{1,3}))"
)
_LAST_WORD = re.compile(r"[^\s(\[\"'“„«]+$")
_START = re.compile(r"[\"'“”„‚«»‘(\[*_¿¡]*(?P<first>\S)")
_SOFT = (re.compile(r"[;；]\s*"), re.compile(r"[,，、:]\s*"), re.compile(r"\s+"))
_ORDINAL_NEXT = re.compile(
    r"\s+(?:Januar|Februar|März|April|Mai|Juni|Juli|August|September|Oktober|November|Dezember"
    r"|Jahrhundert|Jh|Auflage|Mal|Platz|Kapitel)"
)
_ORDINAL_BEFORE = re.compile(
    r"\b(?:de[rsnm]|die|das|am|im|zu[rm]|vom|beim|jede[rsnm]?|(?:ihr|sein|unser)e?[rsnm]?)\s+\Z", re.I
)

# What follows a title belongs to it, capital or not.
_TITLES = """
mr mrs ms dr prof st mt ft gen col lt sgt capt cmdr gov sen rep hon rev fr messrs vs viz cf eg ie e.g i.e al
approx ca hr frl bzw vgl sog z.b d.h u.a o.ä s.o s.u z.t i.d.r v.a geb gest evtl ggf inkl exkl
fa tel bzgl abzgl zzgl lfd dept univ
"""
# These are abbreviations before a number, and words elsewhere.
_BEFORE_NUMBERS = "no nos nr vol vols bd p pp fig figs eq eqs sec ch ed art abs abb tab kap max min est"
# These end a sentence as often as not: a function word with a capital after them decides.
_EITHER = """
inc ltd co corp jr sr etc u.s u.k u.s.a u.n a.m p.m b.c a.d ph.d m.d d.c usw usf jan feb mar apr jun jul aug
sep sept oct nov dec mio mrd tsd str ave blvd rd
"""
_NEVER_LAST = frozenset(_TITLES.split())
_NUMBERED = frozenset(_BEFORE_NUMBERS.split())
_MAY_BE_LAST = frozenset(_EITHER.split())
_OPENER = re.compile(r"\s+[\"'“„«(\[]*(\w+)")
_OPENERS = STOP_WORDS["en"] | STOP_WORDS["de"]
_NUMBER_NEXT = re.compile(r"\s+\d")
_HIRAGANA = re.compile(r"[\u3040-\u309f]")


def sentences(text: str) -> list[tuple[int, int]]:
    """Spans `(start, end)` of the sentences of a text, in order.

    The spans don't overlap, neither begin nor end with white space, and hold every character that
    isn't white space.
    """
    spans: list[tuple[int, int]] = []
    for start, end, prose in _paragraphs(text):
        for left, right in _within(text, start, end) if prose else [(start, end)]:
            spans.extend(_bounded(text, left, right))
    return spans


def _paragraphs(text: str) -> Iterator[tuple[int, int, bool]]:
    """Runs of lines that belong together, and whether they are prose (code and table rows are not)."""
    start = end = -1
    fence = ""
    for line in _LINE.finditer(text):
        content = line.group()
        mark = _FENCE.match(content)
        if fence or mark:
            if start >= 0:
                yield start, end, True
                start = -1
            if content.strip():
                yield line.start(), line.end(), False
            fence = _after_fence(fence, mark)
            continue
        blank_between = start >= 0 and _has_blank_line(text, end, line.start())
        if start >= 0 and (blank_between or not content.strip() or _ALONE.match(content)):
            yield start, end, True
            start = -1
        if not content.strip():
            continue
        if _CLOSED.match(content):
            yield line.start(), line.end(), False
            continue
        start = line.start() if start < 0 else start
        end = line.end()
    if start >= 0:
        yield start, end, True


def _after_fence(fence: str, mark: re.Match[str] | None) -> str:
    if mark is None:
        return fence
    if not fence:
        return mark.group(1)
    return "" if mark.group(1).startswith(fence) else fence


def _has_blank_line(text: str, start: int, end: int) -> bool:
    return text[start:end].replace("\r\n", "\n").count("\n") > 1 or "\u2029" in text[start:end]


def _within(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    left = start
    for match in _END.finditer(text, start, end):
        if match.start() < left or not _ends(text, left, match, end):
            continue
        yield left, match.end()
        left = match.end()
    yield left, end


def _ends(text: str, left: int, match: re.Match[str], end: int) -> bool:
    if match.group("wide"):
        return not (match.group()[-1] in "」』" and _HIRAGANA.match(text, match.end(), end))
    follows = _START.match(text, _skip_space(text, match.end(), end), end)
    first = follows.group("first") if follows else ""
    starts = first.isupper() or first.isdigit() or (first.isalpha() and not first.islower())
    if match.group("dot")[-1] in "!?":
        return starts
    if text[match.start() - 1 : match.start()].isspace():
        return len(match.group("dot")) == 1  # " . " stands alone in pre-tokenised text
    if not starts and not (first and not first.isalpha() and first in "-–—•#"):
        return False
    return not _explained(text, left, match)


def _explained(text: str, left: int, match: re.Match[str]) -> bool:
    """Whether the full stop belongs to its word and not to the sentence."""
    if match.group("close") or match.group("dot") != ".":
        return False
    found = _LAST_WORD.search(text[max(left, match.start() - 24) : match.start()])
    word = found.group() if found else ""
    if word.isdigit():
        alone = match.start() - len(word) == left
        return alone or (len(word) <= 2 and _is_ordinal(text, match.start() - len(word), match.end()))
    if len(word) == 1 and word.isalpha():
        return word != "I"
    lower = word.lower().strip("*_")
    if lower in _MAY_BE_LAST:
        opener = _OPENER.match(text, match.end())
        return opener is None or opener.group(1).lower() not in _OPENERS
    if lower in _NUMBERED:
        return _NUMBER_NEXT.match(text, match.end()) is not None
    return lower in _NEVER_LAST


def _is_ordinal(text: str, start: int, end: int) -> bool:
    """Whether a number with a full stop is German's "the third": by the word before or after it."""
    before = _ORDINAL_BEFORE.search(text, max(0, start - 16), start)
    return before is not None or _ORDINAL_NEXT.match(text, end) is not None


def _skip_space(text: str, position: int, end: int) -> int:
    while position < end and text[position].isspace():
        position += 1
    return position


def _bounded(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    start = _skip_space(text, start, end)
    while end > start and text[end - 1].isspace():
        end -= 1
    while end - start > LONGEST:
        cut = _inner_cut(text, start)
        stop = cut
        while stop > start and text[stop - 1].isspace():
            stop -= 1
        yield start, stop
        start = _skip_space(text, cut, end)
    if end > start:
        yield start, end


def _inner_cut(text: str, start: int) -> int:
    half, limit = start + LONGEST // 2, start + LONGEST
    for pattern in _SOFT:
        found = [match.end() for match in pattern.finditer(text, half, limit)]
        if found:
            return found[-1]
    return limit
