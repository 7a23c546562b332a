"""Hits as they pass from stage to stage."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ragbraid.frozen import draft_of
from ragbraid.types import Hit

_Draft = draft_of(Hit)


def rescored(hits: Iterable[Hit], stage: str, scores: Iterable[float]) -> list[Hit]:
    """The hits with a stage's scores, which are now their own, beside those of the stages before."""
    return [_with(hit, score, {**hit.scores, stage: score}) for hit, score in zip(hits, scores, strict=True)]


def ranked(hits: Iterable[Hit], stage: str, scores: Iterable[float]) -> list[Hit]:
    """`rescored`, the best first; ties by id."""
    return sorted(rescored(hits, stage, scores), key=lambda hit: (-hit.score, hit.id))


def renamed(hits: Iterable[Hit], stage: str, name: str) -> list[Hit]:
    """The hits with a stage's score, where they have one, under another name."""
    return [
        _with(hit, hit.score, {name if key == stage else key: score for key, score in hit.scores.items()})
        if stage in hit.scores
        else hit
        for hit in hits
    ]


def under_titles(hit: Hit) -> str:
    """A hit's text below its document's title and its own headings, where it has them."""
    above = (hit.metadata.get(key) for key in ("title", "headings"))
    return "\n".join([*(each for each in above if isinstance(each, str)), hit.text])


def _with(hit: Hit, score: float, scores: Mapping[str, float]) -> Hit:
    changed = _Draft(
        hit.id,
        hit.source,
        hit.start,
        hit.end,
        hit.text,
        score,
        scores,
        hit.metadata,
        hit.page,
        hit.collection,
        hit.content_hash,
        hit.line,
        hit.page_breaks,
    )
    changed.__class__ = Hit
    return changed  # type: ignore[no-any-return]
