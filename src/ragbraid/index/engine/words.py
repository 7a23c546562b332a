"""Search by words over an engine that can look up which chunks have a term, and no more.

Each term's chunks come with how often they have it, and BM25 (Robertson and Zaragoza, "The Probabilistic
Relevance Framework", 2009, section 3) is summed here. Chunks that have none but a query's frequent words are
left out where they can't be among the best any more (MaxScore: Turtle and Flood, "Query evaluation", 1995,
section 4).
"""

from __future__ import annotations

import json
import math
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from ragbraid.index.engine.fields import named
from ragbraid.index.engine.protocol import Condition, In
from ragbraid.index.engine.view import ASKED, Selected, View
from ragbraid.index.terms import AllOf, AnyOf, Asked, InARow, Term, Tree, searched
from ragbraid.text.context import in_context

_K1, _B = 1.2, 0.75
_DIGITS = 4


@dataclass(frozen=True, slots=True)
class _Posting:
    """How often a chunk has a term, and how many terms it has."""

    often: int
    length: int


def matching(view: View, selected: Selected, asked: Asked, k: int) -> dict[str, float]:
    """By key, the k best chunks and those that tie with the last. Weights are the whole collection's."""
    terms = _Terms(view, selected)
    weights = {each: terms.weight(each) for each in asked.terms}
    if _is_plain(asked.tree):
        scores = _best(terms, weights, k)
    else:
        found = terms.holding(asked.tree)
        scores = dict.fromkeys(found, 0.0)
        for term, weight in weights.items():
            for key, posting in terms.postings(term).items():
                if key in scores:
                    scores[key] += terms.score(weight, posting)
    rounded = {key: round(score, _DIGITS) for key, score in scores.items()}
    last = _kth(rounded.values(), k)
    return {key: score for key, score in rounded.items() if score >= last}


def frequency(view: View, selected: Selected, tree: Tree | None) -> int:
    """How many chunks something holds for; none where nothing is asked."""
    if tree is None:
        return 0
    if (where := _conditions(tree)) is not None:
        return view.count(selected, where)
    return len(_Terms(view, selected).holding(tree))


def _best(terms: _Terms, weights: dict[str, float], k: int) -> dict[str, float]:
    """Scores of all chunks that may be among the k best, the rarest terms first."""
    scores: dict[str, float] = {}
    left = sum(weights.values()) * (_K1 + 1)
    for term in sorted(weights, key=lambda each: -weights[each]):
        floor = _kth(scores.values(), k) - 10**-_DIGITS
        among = None
        if left < floor:  # what has none of the terms so far can't catch up
            scores = {key: score for key, score in scores.items() if score + left >= floor}
            among = scores if len(scores) <= ASKED else None
        for key, posting in terms.postings(term, among).items():
            if key in scores or left >= floor:
                scores[key] = scores.get(key, 0.0) + terms.score(weights[term], posting)
        left -= weights[term] * (_K1 + 1)
    return scores


class _Terms:
    """What one question learns of terms."""

    def __init__(self, view: View, selected: Selected) -> None:
        self._view, self._selected = view, selected
        self._mean = max(1.0, view.collection.terms / max(1, view.collection.chunks))
        self._known: dict[str, dict[str, _Posting]] = {}

    def weight(self, term: str) -> float:
        total, count = self._view.collection.chunks, self._view.count(Selected(), [_has(term)])
        return math.log1p((total - count + 0.5) / (count + 0.5))

    def score(self, weight: float, posting: _Posting) -> float:
        norm = _K1 * (1 - _B + _B * posting.length / self._mean)
        return weight * posting.often * (_K1 + 1) / (posting.often + norm)

    def postings(self, term: str, among: Collection[str] | None = None) -> dict[str, _Posting]:
        """By key, the chunks that have a term, or those of some."""
        if term in self._known:
            return self._known[term]
        where = [_has(term)] if among is None else [_has(term), In("key", sorted(among))]
        if among is not None and not among:
            return {}
        rows = self._view.rows(self._selected, ("length", "repeated"), where=where)
        name = named(term)
        found = {
            each.key: _Posting(json.loads(each.columns["repeated"]).get(name, 1), each.columns["length"])
            for each in rows
        }
        if among is None:
            self._known[term] = found
        return found

    def holding(self, tree: Tree) -> set[str]:
        """The keys of the chunks that something holds for."""
        match tree:
            case Term(name):
                return set(self.postings(name))
            case AnyOf(nodes):
                return set().union(*map(self.holding, nodes))
            case AllOf(nodes, without):
                return set.intersection(*map(self.holding, nodes)).difference(*map(self.holding, without))
            case InARow(names):
                some = set.intersection(*(set(self.postings(each)) for each in names))
                return some if len(names) == 1 else self._in_a_row(names, some)

    def _in_a_row(self, names: Sequence[str], keys: Iterable[str]) -> set[str]:
        """Those of some chunks in which terms follow each other, which their texts tell."""
        found = set()
        for row in self._view.among(self._selected, "key", sorted(keys), ("data",)):
            told = self._view.told(row)
            places = searched(in_context(told["context"], told["text"]), told["metadata"]).positions
            starts = ({place - at for place in places.get(name, ())} for at, name in enumerate(names))
            if set.intersection(*starts):
                found.add(row.key)
        return found


def _is_plain(tree: Tree) -> bool:
    """Whether any one of a query's terms is enough."""
    return isinstance(tree, Term) or (isinstance(tree, AnyOf) and all(map(_is_plain, tree.nodes)))


def _conditions(tree: Tree) -> list[Condition] | None:
    """What an engine can decide by itself, as conditions; None for anything else."""
    match tree:
        case Term(name):
            return [_has(name)]
        case AnyOf(nodes) if len(nodes) == 1:
            return _conditions(nodes[0])
        case AnyOf(nodes) if nodes and all(isinstance(each, Term) for each in nodes):
            return [In("terms", [named(each.name) for each in nodes if isinstance(each, Term)])]
        case AllOf(nodes, ()):
            parts = [_conditions(each) for each in nodes]
            if all(part is not None for part in parts):
                return [each for part in parts for each in part or ()]
    return None


def _has(term: str) -> Condition:
    return In("terms", [named(term)])


def _kth(scores: Collection[float], k: int) -> float:
    return sorted(scores, reverse=True)[k - 1] if len(scores) >= k else float("-inf")
