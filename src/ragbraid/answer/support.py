"""Whether a sentence of prose rests on the passages that it names."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, TypeAlias

from ragbraid.answer.cite import cite
from ragbraid.answer.facts import missing_facts
from ragbraid.answer.protocol import Entailer
from ragbraid.answer.quotations import Quotation, examined, quotations
from ragbraid.embed.protocol import TokenEmbedder
from ragbraid.hits import under_titles
from ragbraid.text.late import span_scores
from ragbraid.text.sentences import sentences
from ragbraid.text.terms import language_of, terms
from ragbraid.types import Citation, Hit

Fault: TypeAlias = Literal[
    "misattributed", "stitched", "invented", "facts", "evidence", "entailment", "repeated", "cut"
]

_ITEM = re.compile(r"\s*(?:[-*+•·]|\(?\d{1,3}[.)])\s+")
_SHARED = 0.5
"""Share of a claim's terms that the passage's best sentences have, where words alone decide."""
_SHARED_AT_LEAST, _NEAR = 0.25, 0.62
"""That share, and the mean best cosine of the claim's tokens, where an embedder has a say."""
_FOLLOWS = 0.5
"""A claim follows from its passages where that is likelier than not."""


@dataclass(frozen=True, slots=True)
class Judged:
    """A claim's faults, none where it is supported, with the words at fault; and what it rests on."""

    faults: tuple[tuple[Fault, str], ...]
    citations: tuple[Citation, ...] = ()

    @property
    def supported(self) -> bool:
        """Whether nothing is at fault."""
        return not self.faults


def judge(
    claim: str,
    cited: Sequence[int],
    hits: Sequence[Hit],
    embedder: TokenEmbedder | None,
    entailer: Entailer | None = None,
) -> Judged:
    """Judge a claim by the passages at the positions `cited`; where it names none, by all of them.

    Quotations must stand there word for word, numbers and names must be there, and the claim's words, or
    with an embedder its meaning, must be those of a sentence or two there. With an `entailer` the claim must
    follow from a passage, or from the best sentences of all that it names.
    """
    item = _ITEM.match(claim)
    claim = claim[item.end() :] if item else claim  # the number of an item is no fact
    wanted = set(terms(claim, language_of([claim])))
    texts = [under_titles(hit) for hit in hits]
    rests = list(dict.fromkeys(cited)) or list(range(len(hits)))
    quoted = [examined(each, [hit.text for hit in hits], rests) for each in quotations(claim)]
    faults: list[tuple[Fault, str]] = [
        (each.finding, each.text) for each in quoted if each.finding != "found"
    ]
    if not wanted:  # "So it is." claims nothing but what it quotes
        return Judged(tuple(faults), () if faults else _citations(quoted, (), hits, (), ()))
    faults += [("facts", each) for each in missing_facts(claim, [texts[at] for at in rests])]
    evidence = [_evidence(claim, hits[at], texts[at], embedder) for at in rests]
    # A claim may rest on two passages, half on each: its words are looked for in all that it names.
    shared = len(set().union(*(each.shared for each in evidence))) / len(wanted)
    near = max((each.near for each in evidence), default=0.0)
    if not (shared >= _SHARED or (shared >= _SHARED_AT_LEAST and near >= _NEAR)):
        faults.append(("evidence", ""))
    named = rests if cited else _best(rests, evidence)
    if not faults and entailer is not None:
        # The dearest test comes last: most of what isn't so has failed by now.
        windows = " ".join(
            hits[at].text[held.start : held.end]
            for at, held in zip(rests, evidence, strict=True)
            if at in named
        )
        premises = dict.fromkeys([windows, *(texts[at] for at in named)])
        likely = max(entailer.entailed([(each, claim) for each in premises]))
        if likely < _FOLLOWS:
            faults.append(("entailment", f"{likely:.2f}"))
    if faults:
        return Judged(tuple(faults))
    return Judged((), _citations(quoted, named, hits, evidence, rests))


@dataclass(frozen=True, slots=True)
class _Evidence:
    """The best two sentences in a row: the terms they share with the claim, how near they are, where."""

    shared: frozenset[str]
    near: float
    start: int
    end: int


def _evidence(claim: str, hit: Hit, text: str, embedder: TokenEmbedder | None) -> _Evidence:
    language = language_of([claim, hit.text])
    wanted = set(terms(claim, language))
    spans = sentences(hit.text) or [(0, len(hit.text))]
    title = set(terms(text[: len(text) - len(hit.text)], language))
    held = [wanted & set(terms(hit.text[slice(*span)], language)) for span in spans]
    # Each sentence, and each two in a row; of equal ones the shortest, then the first.
    windows = [*zip(spans, held, strict=True)]
    windows += [
        ((a[0], b[1]), one | other) for (a, one), (b, other) in pairwise(zip(spans, held, strict=True))
    ]
    best, found = max(windows, key=lambda window: (len(window[1]), window[0][0] - window[0][1]))
    shared = frozenset(found | (wanted & title))
    near = 0.0
    if embedder is not None:
        asked, passage = embedder.token_vectors([claim, hit.text])
        near = max(score for score, _ in span_scores(asked, passage, spans))
    return _Evidence(shared, near, *best)


def _best(rests: Sequence[int], evidence: Sequence[_Evidence]) -> list[int]:
    """The passage that a claim without a marker rests on most."""
    pairs = zip(rests, evidence, strict=True)
    return [max(pairs, key=lambda pair: (len(pair[1].shared), pair[1].near, -pair[0]))[0]]


def _citations(
    quoted: Sequence[Quotation],
    named: Sequence[int],
    hits: Sequence[Hit],
    evidence: Sequence[_Evidence],
    rests: Sequence[int],
) -> tuple[Citation, ...]:
    """The quotations, and of each passage that is named the sentences that speak of the claim."""
    found = [cite(hits[each.passage], each.start, each.end) for each in quoted]
    for at in named:
        held = evidence[rests.index(at)]
        if not any(each.passage == at for each in quoted):
            found.append(cite(hits[at], held.start, held.end))
    return tuple(dict.fromkeys(found))
