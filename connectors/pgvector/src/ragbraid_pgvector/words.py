"""Text as terms of PostgreSQL's text search, analysed as ragbraid's own lexical index does it.

A term stands behind the name of its language (`en:pump`), and one of a title or of headings behind that
field's name too (`title/en:pump`), so that one tsvector and one GIN index do for all of them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from ragbraid.index import analysis
from ragbraid.text.operators import Group, Node, Phrase, Words, parse

_FIELDS = {"title": "title", "heading": "headings"}
_NOTHING = "'!'"
"""A term that no text has: no analyser lets a mark through."""


@dataclass(frozen=True, slots=True)
class Searched:
    """A chunk for the search by words: positions of its terms, how many there are in its text, languages."""

    positions: dict[str, list[int]]
    length: int
    languages: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Asked:
    """A query: what must match as a tsquery, and the terms that score."""

    tsquery: str
    terms: tuple[str, ...]


def searched(text: str, metadata: str) -> Searched:
    """The terms of a chunk's text (with its context), and of the title and headings in its metadata."""
    described = json.loads(metadata)
    code = analysis.language(described)
    found: dict[str, list[int]] = {}
    length, pairs = _add(found, "", code, text)
    for field, key in _FIELDS.items():
        if isinstance(value := described.get(key), str):
            pairs = _add(found, f"{field}/", code, value)[1] or pairs
    return Searched(found, length, (code, analysis.CJK) if pairs else (code,))


def _add(found: dict[str, list[int]], field: str, code: str, text: str) -> tuple[int, bool]:
    text = analysis.normal(text)
    words, pairs = analysis.terms(code, text), analysis.pairs(text).split()
    for language, terms in ((code, words), (analysis.CJK, pairs)):
        for position, term in enumerate(terms, 1):
            found.setdefault(f"{field}{language}:{term}", []).append(position)
    return len(words) + len(pairs), bool(pairs)


def asked(query: str, languages: Sequence[str], operators: bool = False) -> Asked | None:
    """What a query asks for, in the languages that there are; None where it has no terms."""
    reading = _Reading(languages)
    matched = reading.node(parse(query) if operators else Words(query))
    return None if matched is None else Asked(matched, tuple(dict.fromkeys(reading.terms)))


def holding(word: str, languages: Sequence[str]) -> str | None:
    """The tsquery for the chunks that hold a word in one of its languages."""
    return _Reading(languages).words(word, _all)


class _Reading:
    """Walks a query once; `terms` are those that score."""

    def __init__(self, languages: Sequence[str]) -> None:
        self._languages = languages
        self.terms: list[str] = []

    def node(self, node: Node, scores: bool = True) -> str | None:
        mark = len(self.terms)
        match node:
            case Words(text):
                found = self.words(text, _any)
            case Phrase(text, field):
                found = self._phrase(text, "" if field == "text" else f"{field}/")
            case Group():
                found = self._group(node)
        if not scores:
            del self.terms[mark:]
        return found

    def words(self, text: str, join: Callable[[Iterable[str]], str | None]) -> str | None:
        text, found = analysis.normal(text), []
        for code in self._languages:
            cjk = code == analysis.CJK
            terms = analysis.query_pairs(text) if cjk else analysis.query_terms(code, text)
            named = [f"{code}:{each}" for each in terms]
            self.terms += named
            found.append(join(map(_quoted, named)))
        return _any(each for each in found if each)

    def _phrase(self, text: str, field: str) -> str | None:
        text = analysis.normal(text)
        words = (
            self._in_a_row(f"{field}{code}:", analysis.terms(code, text))
            for code in self._languages
            if code != analysis.CJK
        )
        runs = [self._in_a_row(f"{field}{analysis.CJK}:", run) for run in analysis.runs(text)]
        return _all(each for each in (_any(filter(None, words)), *runs) if each)

    def _in_a_row(self, prefix: str, terms: Sequence[str]) -> str | None:
        named = [f"{prefix}{each}" for each in terms]
        self.terms += named
        return f"({' <-> '.join(map(_quoted, named))})" if named else None

    def _group(self, node: Group) -> str | None:
        must = [each for each in map(self.node, node.must) if each]
        should = [each for each in map(self.node, node.should) if each]
        must_not = [each for one in node.must_not if (each := self.node(one, scores=False))]
        if not must and not should:
            return _NOTHING if must_not else None
        wanted = _all(must) if must else _any(should)
        return _all([wanted or _NOTHING, *(f"!{each}" for each in must_not)])


def _quoted(term: str) -> str:
    return "'" + term.replace("\\", "\\\\").replace("'", "''") + "'"


def _any(parts: Iterable[str]) -> str | None:
    joined = " | ".join(parts)
    return f"({joined})" if joined else None


def _all(parts: Iterable[str]) -> str | None:
    joined = " & ".join(parts)
    return f"({joined})" if joined else None
