"""What speaks for quoting a sentence: cheap features, each on its raw scale."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ragbraid.answer.answer_type import AnswerType
from ragbraid.answer.candidates import Candidate
from ragbraid.embed.protocol import TokenEmbedder
from ragbraid.index.protocol import TokenIndex
from ragbraid.text.bm25 import idf
from ragbraid.text.late import span_scores, tokens_of
from ragbraid.text.terms import language_of, passage_terms, terms, words
from ragbraid.types import Hit

Features = Mapping[str, float]


def features(
    question: str,
    found: Sequence[Candidate],
    hits: Sequence[Hit],
    embedder: TokenEmbedder | None,
    index: TokenIndex | None = None,
) -> list[Features]:
    """One mapping per candidate.

    `overlap`: share of the question's terms in the sentence, weighted by their rarity among the hits
    (`share`: unweighted);
    `context`: the share found only in title, heading or the sentence before; `type`: 1 where the
    sentence holds the kind of thing asked for, 0 where not, 0.5 where the question doesn't say;
    `rank`: the passage's reciprocal rank; with an embedder `maxsim` and `cosine` (see `text.late`).
    """
    language = language_of([question, *(hit.text for hit in hits[:5])])
    weights = _rarity(question, hits, language)
    total = sum(weights.values()) or 1.0
    fits = AnswerType(question)
    neural = _neural(question, found, embedder, index) if embedder is not None else None
    rows: list[Features] = []
    for position, each in enumerate(found):
        here = weights.keys() & set(terms(each.text, language))
        near = (weights.keys() & set(terms(each.surroundings, language))) - here
        row = {
            "overlap": sum(weights[term] for term in here) / total,
            "share": len(here) / (len(weights) or 1),
            "context": sum(weights[term] for term in near) / total,
            "type": fits(each.text),
            "rank": 1 / (1 + each.rank),
        }
        if neural is not None:
            row["maxsim"], row["cosine"] = neural[position]
        rows.append(row)
    return rows


def _rarity(question: str, hits: Sequence[Hit], language: str) -> dict[str, float]:
    """Each of the question's terms with its BM25 idf among the hits."""
    asked = dict.fromkeys(terms(question, language)) or dict.fromkeys(words(question))
    held = [set(passage_terms(hit.text, language)) for hit in hits]
    total = len(held)
    counts = {term: sum(term in each for each in held) for term in asked}
    return {term: idf(df, total) for term, df in counts.items()}


def _neural(
    question: str, found: Sequence[Candidate], embedder: TokenEmbedder, index: TokenIndex | None
) -> list[tuple[float, float]]:
    hits = list({each.hit.text: each.hit for each in found}.values())
    (asked,), passages = tokens_of([question], hits, embedder, index)
    scores: list[tuple[float, float]] = []
    for hit, passage in zip(hits, passages, strict=True):
        spans = [(each.start, each.end) for each in found if each.hit.text == hit.text]
        scores.extend(span_scores(asked, passage, spans))
    return scores
