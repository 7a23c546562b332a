"""An answer as it crosses: its text, its hits, and one mapping with all else, of which it is made again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

from ragbraid.types import Answer, Citation, Hit, Usage


def told(answer: Answer) -> dict[str, Any]:
    """All of an answer that JSON can hold but its text, hits and trace."""
    return {
        "short": answer.short,
        "short_citation": None if answer.short_citation is None else asdict(answer.short_citation),
        "abstained": answer.abstained,
        "confidence": answer.confidence,
        "citations": [asdict(each) for each in answer.citations],
        "usage": asdict(answer.usage),
    }


def retold(text: str, told: Mapping[str, Any], hits: Iterable[Hit]) -> Answer:
    """The answer that was told, without its trace."""
    short = told["short_citation"]
    return Answer(
        text,
        told["short"],
        None if short is None else Citation(**short),
        told["abstained"],
        told["confidence"],
        tuple(Citation(**each) for each in told["citations"]),
        tuple(hits),
        Usage(**told["usage"]),
    )


def cited(answer: Answer) -> str:
    """An answer as a tool tells it to an agent: its text, and below it where each quote of it stands."""
    places = [
        f"[{number}] {each.source}{_place(each)}: “{' '.join(each.quote.split())}”"
        for number, each in enumerate(answer.citations, 1)
    ]
    return "\n".join([answer.text, *(["", "Sources:", *places] if places else [])])


def _place(citation: Citation) -> str:
    if citation.line is not None:
        return f":{citation.line}"
    return f", page {citation.page}" if citation.page is not None else ""
