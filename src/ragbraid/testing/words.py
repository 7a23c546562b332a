"""Search by words in plain Python: BM25, and queries with operators."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ragbraid.testing.hash_embedder import stems
from ragbraid.text.operators import Node, Phrase, Words, parse

_K1, _B = 1.2, 0.75


@dataclass(frozen=True, slots=True)
class Searched:
    """The stems of a chunk: those of each field in order, and how often each is in its text."""

    fields: Mapping[str, Sequence[str]]
    counts: Counter[str]

    @classmethod
    def of(cls, text: str, metadata: Mapping[str, Any]) -> Searched:
        """A chunk by its text, with its context, and its metadata."""
        named = {"text": text, "title": metadata.get("title"), "heading": metadata.get("headings")}
        fields = {name: stems(value) if isinstance(value, str) else [] for name, value in named.items()}
        return cls(fields, Counter(fields["text"]))


def matching(rows: Sequence[Searched], query: str, operators: bool) -> dict[int, float]:
    """Position → score of the rows that a query finds, in order of position."""
    node = parse(query) if operators else Words(query)
    return dict(sorted((_found(rows, node) or {}).items()))


def _found(rows: Sequence[Searched], node: Node) -> dict[int, float] | None:
    """What a node finds; None where it has no words, so that nothing is asked."""
    if isinstance(node, Words):
        return _ranked(rows, stems(node.text))
    if isinstance(node, Phrase):
        terms = stems(node.text)
        here = (at for at, row in enumerate(rows) if _in_a_row(row.fields[node.field], terms))
        return dict.fromkeys(here, float(len(terms))) if terms else None
    must, should, not_ = (
        [found for each in nodes if (found := _found(rows, each)) is not None]
        for nodes in (node.must, node.should, node.must_not)
    )
    if not must and not should and not not_:
        return None
    candidates = set.intersection(*map(set, must)) if must else set().union(*should)
    kept = candidates.difference(*not_)
    return {at: math.fsum(each.get(at, 0.0) for each in (*must, *should)) for at in kept}


def _ranked(rows: Sequence[Searched], terms: Sequence[str]) -> dict[int, float] | None:
    if not terms:
        return None
    mean = sum(row.counts.total() for row in rows) / max(1, len(rows))
    scores = dict.fromkeys(range(len(rows)), 0.0)
    for term in dict.fromkeys(terms):
        frequency = sum(term in row.counts for row in rows)
        idf = math.log(1 + (len(rows) - frequency + 0.5) / (frequency + 0.5))
        for at, row in enumerate(rows):
            if tf := row.counts[term]:
                norm = _K1 * (1 - _B + _B * row.counts.total() / mean)
                scores[at] += idf * tf * (_K1 + 1) / (tf + norm)
    return {at: score for at, score in scores.items() if score > 0}


def _in_a_row(words: Sequence[str], terms: Sequence[str]) -> bool:
    width = len(terms)
    return any(list(words[at : at + width]) == list(terms) for at in range(len(words) - width + 1))
