"""How well documents were ranked: nDCG, recall and reciprocal rank, by ir-measures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ragbraid.errors import MissingDependency
from ragbraid.evaluate.matching import names, overlap
from ragbraid.evaluate.questions import Question
from ragbraid.types import Hit

MEASURES = {"ndcg@10": "nDCG@10", "recall@10": "R@10", "mrr@10": "RR@10"}
"""Our names of the measures, and those of ir-measures."""


def ranking_scores(pairs: Sequence[tuple[Question, Sequence[Hit]]]) -> dict[str, dict[str, float]]:
    """Each judged question's scores, by its id and the measure's name.

    A document ranks where its first passage does; what isn't judged counts as not fitting. Raises
    `MissingDependency` without ir-measures.
    """
    try:
        import ir_measures
    except ImportError as error:
        raise MissingDependency(
            "Rankings are measured with ir-measures, which isn't installed.",
            "Run `pip install 'ragbraid[eval]'`.",
        ) from error
    qrels, run = {}, {}
    for question, hits in pairs:
        if question.sources or question.passages:
            qrels[question.id], run[question.id] = _judged(question), _ranked(question, hits)
    scores: dict[str, dict[str, float]] = {each: {} for each in qrels}
    if qrels:
        wanted = {ir_measures.parse_measure(each): name for name, each in MEASURES.items()}
        for each in ir_measures.iter_calc(list(wanted), qrels, run):
            scores[each.query_id][wanted[each.measure]] = each.value
    return scores


def _judged(question: Question) -> Mapping[str, int]:
    return {**question.sources, **{f"passage {at}": 1 for at in range(len(question.passages))}}


def _ranked(question: Question, hits: Sequence[Hit]) -> dict[str, float]:
    """The documents by the names that they are judged under, each with a score that falls with its rank."""
    order: dict[str, float] = {}
    for hit in hits:
        order.setdefault(_name(question, hit), -float(len(order)))
    return order


def _name(question: Question, hit: Hit) -> str:
    for name in question.sources:
        if names(name, hit.source):
            return name
    for at, passage in enumerate(question.passages):
        if overlap(hit.text, passage):
            return f"passage {at}"
    return f"unjudged {hit.source if question.sources else hit.id}"
