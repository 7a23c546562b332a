"""Hits as they pass from stage to stage."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import replace

from ragbraid.frozen import draft_of
from ragbraid.text.lines import line_at
from ragbraid.text.pages import breaks, page_at
from ragbraid.types import Document, Hit

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


def widened(hit: Hit, document: Document, start: int, end: int) -> Hit:
    """The hit as `document.text[start:end]`, on the page and line that this begins on."""
    return replace(
        hit,
        start=start,
        end=end,
        text=document.text[start:end],
        page=page_at(document.pages, start),
        page_breaks=breaks(document.pages, start, end),
        line=line_at(document.text, start) if document.reading.verbatim else None,
    )


def cut(hit: Hit, start: int, end: int) -> Hit:
    """The hit as `hit.text[start:end]`, on the page and line that this begins on."""
    begin, stop = hit.start + start, hit.start + end
    return replace(
        hit,
        start=begin,
        end=stop,
        text=hit.text[start:end],
        page=page_of(hit, start),
        page_breaks=breaks(hit.page_breaks, begin, stop),
        line=line_of(hit.line, hit.text, start),
    )


def page_of(hit: Hit, offset: int) -> int | None:
    """The page that a character of the hit's text is on."""
    return None if hit.page is None else hit.page + bisect_right(hit.page_breaks, hit.start + offset)


def line_of(first: int | None, text: str, offset: int) -> int | None:
    """The line of a character in a text that begins on the line `first`."""
    return None if first is None else first - 1 + line_at(text, offset)


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
