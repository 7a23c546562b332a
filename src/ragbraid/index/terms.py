"""What a chunk is searched by, and what a query asks for, as terms: for stores with a search of their own.

A term stands behind the name of its language (`en:pump`), and one of a title or of headings behind that
field's name too (`title/en:pump`), so that one list of terms does for all of them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from ragbraid.index import analysis
from ragbraid.text import operators as asked_for

_FIELDS = {"title": "title", "heading": "headings"}


@dataclass(frozen=True, slots=True)
class Searched:
    """A chunk for the search by words: positions of its terms, how many there are in its text, languages."""

    positions: dict[str, list[int]]
    length: int
    languages: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Term:
    """A chunk that has this term."""

    name: str


@dataclass(frozen=True, slots=True)
class InARow:
    """A chunk that has these terms one after the other."""

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """A chunk that one of these holds for; of none of them, no chunk."""

    nodes: tuple[Tree, ...]


@dataclass(frozen=True, slots=True)
class AllOf:
    """A chunk that all of `nodes` hold for, and none of `without`."""

    nodes: tuple[Tree, ...]
    without: tuple[Tree, ...] = ()


Tree: TypeAlias = Term | InARow | AnyOf | AllOf


@dataclass(frozen=True, slots=True)
class Asked:
    """A query: what must hold, and the terms that score."""

    tree: Tree
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
    matched = reading.node(asked_for.parse(query) if operators else asked_for.Words(query))
    return None if matched is None else Asked(matched, tuple(dict.fromkeys(reading.terms)))


def holding(word: str, languages: Sequence[str]) -> Tree | None:
    """What holds for the chunks that have a word in one of its languages; None where it has no terms."""
    return _Reading(languages).words(word, AllOf)


class _Reading:
    """Walks a query once; `terms` are those that score."""

    def __init__(self, languages: Sequence[str]) -> None:
        self._languages = languages
        self.terms: list[str] = []

    def node(self, node: asked_for.Node, scores: bool = True) -> Tree | None:
        mark = len(self.terms)
        match node:
            case asked_for.Words(text):
                found = self.words(text, AnyOf)
            case asked_for.Phrase(text, field):
                found = self._phrase(text, "" if field == "text" else f"{field}/")
            case asked_for.Group():
                found = self._group(node)
        if not scores:
            del self.terms[mark:]
        return found

    def words(self, text: str, join: Callable[[tuple[Tree, ...]], Tree]) -> Tree | None:
        text, found = analysis.normal(text), []
        for code in self._languages:
            cjk = code == analysis.CJK
            terms = analysis.query_pairs(text) if cjk else analysis.query_terms(code, text)
            named = [f"{code}:{each}" for each in terms]
            self.terms += named
            found.append(_joined(join, map(Term, named)))
        return _joined(AnyOf, found)

    def _phrase(self, text: str, field: str) -> Tree | None:
        text = analysis.normal(text)
        words = [
            self._in_a_row(f"{field}{code}:", analysis.terms(code, text))
            for code in self._languages
            if code != analysis.CJK
        ]
        runs = [self._in_a_row(f"{field}{analysis.CJK}:", run) for run in analysis.runs(text)]
        return _joined(AllOf, [_joined(AnyOf, words), *runs])

    def _in_a_row(self, prefix: str, terms: Sequence[str]) -> Tree | None:
        named = tuple(f"{prefix}{each}" for each in terms)
        self.terms += named
        return InARow(named) if named else None

    def _group(self, node: asked_for.Group) -> Tree | None:
        must = [each for each in map(self.node, node.must) if each]
        should = [each for each in map(self.node, node.should) if each]
        without = tuple(each for one in node.must_not if (each := self.node(one, scores=False)))
        if not must and not should:
            return AnyOf(()) if without else None
        wanted = tuple(must) if must else (AnyOf(tuple(should)),)
        return AllOf(wanted, without)


def _joined(join: Callable[[tuple[Tree, ...]], Tree], parts: Iterable[Tree | None]) -> Tree | None:
    """The parts that there are, as one; None for none."""
    there = tuple(each for each in parts if each is not None)
    return join(there) if there else None
